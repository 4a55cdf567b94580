package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"

	"stats-recorder/harness"
)

// errUnavailable means that this machine cannot do what a fault needs.
var errUnavailable = errors.New("not available here")

// A site is where a process runs: on the loopback interface, or in a network namespace of
// its own.
type site struct {
	name string // of the namespace; empty for none
	host string
}

// command is one that runs at the site.
func (s site) command(words ...string) *exec.Cmd {
	words = append(s.enter(), words...)
	return exec.Command(words[0], words[1:]...)
}

// enter are the words before a command that have it run at the site.
func (s site) enter() []string {
	if s.name == "" {
		return nil
	}
	return []string{"ip", "netns", "exec", s.name}
}

// free is an address at the site that nobody listens at.
func (s site) free() (string, error) {
	if s.name != "" {
		return s.host + ":4000", nil // it has the interface for itself, and one process
	}
	return harness.FreeAddress()
}

// A network gives out sites, and cuts them off from each other. The zero value is the
// loopback interface, which cannot be cut.
type network struct {
	isOwn bool
	sites int
}

const (
	hubNetwork = "10.77.0."
	hubAddress = hubNetwork + "254"
	hubMask    = "/24"
)

// newNetwork makes a bridge. The process must be in a network and a mount namespace of its
// own, so that all ends with it.
func newNetwork() (*network, error) {
	return &network{isOwn: true}, runAll(
		"mount --make-rprivate /",
		"mkdir -p /run/netns",
		"mount -t tmpfs namespaces /run/netns",
		"ip link set lo up",
		"ip link add hub type bridge",
		"ip addr add "+hubAddress+hubMask+" dev hub",
		"ip link set hub up",
	)
}

// runAll runs commands that have no spaces in their words.
func runAll(lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		if output, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, output)
		}
	}
	return nil
}

// add makes a site.
func (n *network) add() (site, error) {
	if !n.isOwn {
		return site{host: "127.0.0.1"}, nil
	}
	n.sites++
	s := site{name: fmt.Sprint("site", n.sites), host: fmt.Sprint(hubNetwork, n.sites)}
	return s, runAll(
		"ip netns add "+s.name,
		"ip link add to-"+s.name+" type veth peer name eth0 netns "+s.name,
		"ip link set to-"+s.name+" master hub up",
		"ip -n "+s.name+" addr add "+s.host+hubMask+" dev eth0",
		"ip -n "+s.name+" link set eth0 up",
		"ip -n "+s.name+" link set lo up",
	)
}

// A direction is of packets, as the site sees them that is cut off.
type direction string

const (
	incoming direction = "in"
	outgoing direction = "out"
)

// cut loses all packets between a site and others, in one direction or in both, without a
// word to anybody, as a broken switch does.
func (n *network) cut(from site, others []site, lost ...direction) error {
	hosts := make([]string, len(others))
	for i, other := range others {
		hosts[i] = other.host
	}
	rules := "table ip cut {\n"
	if slices.Contains(lost, incoming) {
		rules += "chain incoming { type filter hook input priority 0; ip saddr { " + strings.Join(hosts, ", ") + " } drop; }\n"
	}
	if slices.Contains(lost, outgoing) {
		rules += "chain outgoing { type filter hook output priority 0; ip daddr { " + strings.Join(hosts, ", ") + " } drop; }\n"
	}
	command := from.command("nft", "-f", "-")
	command.Stdin = strings.NewReader(rules + "}\n")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("cut %s off: %w: %s", from.name, err, output)
	}
	return nil
}

// heal ends a cut.
func (n *network) heal(from site) error {
	if output, err := from.command("nft", "delete", "table", "ip", "cut").CombinedOutput(); err != nil {
		return fmt.Errorf("heal the cut of %s: %w: %s", from.name, err, output)
	}
	return nil
}

// canHaveNetwork says why this machine cannot have networks of its own; nil if it can.
func canHaveNetwork() error {
	for _, tool := range []string{"ip", "nft", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %w (packages iproute2, nftables, mount)", errUnavailable, err)
		}
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: network namespaces need root", errUnavailable)
	}
	return nil
}

// portOf is the port of an address.
func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
