#!/bin/sh
# Tries the package as an administrator does, on a machine that has systemd. The
# last line says that all is well.
set -eu

settings=/etc/stats-recorder.conf
units="stats-recorder.socket stats-recorder.service"
base=http://127.0.0.1:4000
admin=http://127.0.0.1:4001

trap '[ $? = 0 ] || tell' EXIT

tell() {
	systemctl --no-pager --full status stats-recorder.socket stats-recorder.service || true
	journalctl --no-pager -u 'stats-recorder*' | tail -n 60
}

step() { echo "== $*"; }

fail() {
	echo "FAILED: $*"
	exit 1
}

post() {
	curl -sS -f --max-time 30 -o /dev/null -H 'Content-Type: application/json' \
		-d '{"benefit_id":"RSA","hash_id":"visitor","benefit_index":1,"page_total":2}' "$base/benefits"
}

count() { curl -sS --max-time 30 "$base/statistics" | sed 's/.*"events_count":\([0-9]*\).*/\1/'; }

expect() { [ "$2" = "$3" ] || fail "$1 is '$2', want '$3'"; }

active() { systemctl is-active "$1" || true; }

listens() { systemctl show --value -p Listen stats-recorder.socket; }

ready() { curl -sS -f -o /dev/null --retry 30 --retry-delay 1 --retry-all-errors "$admin/readyz" || fail "the server is not ready"; }

step "the first installation enables and starts it"
dpkg --install /trial/first.deb
ready
for unit in $units; do
	expect "$unit" "$(active "$unit")" active
	systemctl is-enabled "$unit" >/dev/null || fail "$unit is not enabled"
done
expect "where it listens" "$(listens)" "[::]:4000 (Stream)"
post
expect "the count" "$(count)" 1
[ "$(stat -c %u /var/lib/private/stats-recorder)" != 0 ] || fail "the data belongs to root"

step "HOST moves the socket"
echo HOST=127.0.0.1 >>$settings
systemctl daemon-reload
# shellcheck disable=SC2086 # a list of units
systemctl stop $units
# shellcheck disable=SC2086
systemctl start $units
ready
expect "where it listens" "$(listens)" "127.0.0.1:4000 (Stream)"
! journalctl -u stats-recorder.service | grep "HOST and PORT are not used" || fail "it warns of an address that is as told"
post
expect "the count" "$(count)" 2

step "clients are not refused while an upgrade restarts it"
(
	sent=0
	while [ ! -e /trial/enough ]; do
		post || echo "a post failed" >>/trial/refused
		sent=$((sent + 1))
	done
	echo $sent >/trial/sent
) &
dpkg --install /trial/second.deb
ready
touch /trial/enough
wait
[ ! -e /trial/refused ] || fail "an upgrade refuses clients: $(wc -l </trial/refused)"
expect "the count" "$(count)" $((2 + $(cat /trial/sent)))
echo "$(cat /trial/sent) posts during the upgrade"
curl -sS "$admin/metrics" >/trial/metrics
grep -q 'version="v0.2.0"' /trial/metrics || fail "after the upgrade the old server runs"
grep -q '^HOST=127.0.0.1$' $settings || fail "the upgrade took the settings"

step "reload and a crash leave it running"
systemctl reload stats-recorder.service
expect "the service" "$(active stats-recorder.service)" active
before=$(count)
systemctl kill --signal=KILL stats-recorder.service
expect "the count after a crash" "$(count)" "$before"

step "a name as HOST: the service binds it, not the socket"
echo 127.0.0.1 box.example >>/etc/hosts
sed -i 's/^HOST=.*/HOST=box.example/' $settings
systemctl daemon-reload
systemctl stop stats-recorder.service stats-recorder.socket
systemctl start stats-recorder.service
ready
expect "the socket" "$(active stats-recorder.socket)" inactive
expect "the count" "$(count)" "$before"
sed -i 's/^HOST=.*/HOST=127.0.0.1/' $settings
systemctl daemon-reload
systemctl stop stats-recorder.service
systemctl start stats-recorder.socket stats-recorder.service
ready

step "what the administrator has disabled stays so at an upgrade"
# shellcheck disable=SC2086
systemctl disable --now $units
dpkg --install /trial/first.deb
dpkg --install /trial/second.deb
for unit in $units; do
	expect "$unit" "$(active "$unit")" inactive
	! systemctl is-enabled "$unit" >/dev/null || fail "$unit is enabled again"
done
# shellcheck disable=SC2086
systemctl enable --now $units
ready
expect "the count" "$(count)" "$before"

step "removing stops it"
dpkg --remove stats-recorder
for unit in $units; do
	[ "$(active "$unit")" != active ] || fail "$unit runs without its package"
done
[ -e $settings ] || fail "removing takes the settings"

step "it comes back with its counts"
dpkg --install /trial/second.deb
ready
expect "the count" "$(count)" "$before"

step "purging leaves the counts"
dpkg --purge stats-recorder
[ ! -e $settings ] || fail "purging leaves the settings"
[ -d /var/lib/private/stats-recorder ] || fail "purging takes the counts"
left=$(find /etc /usr /var/lib/systemd -name '*stats-recorder*')
expect "what is left" "$left" ""

echo "all is well"
