package contract

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"hash/fnv"
	"net/http"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// TestNobodyIsFoundAnywhere looks for the ids that it sends, and for hashes of them that
// somebody could make, in everything on disk, in the log and in all answers.
func TestNobodyIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	clock, address := blackbox.NewClock(t, "2026-07-01T12:00:00Z"), freeAddress(t)
	log := new(logBuffer)
	s := blackbox.StartServer(t, func(c *service.Config) {
		c.Logger, c.AccessLog, c.Now, c.SnapshotInterval, c.AdminAddr = log.logger(), true, clock.Now, time.Millisecond, address
	})
	var ids, records []string
	for i := range 9 {
		ids = append(ids, fmt.Sprintf("%016x", uint64(i+1)*0x9e3779b97f4a7c15))
	}
	ids = append(ids, "uid_3f9a77c2e1", "visitor@example.org")
	for _, id := range ids {
		records = append(records, shownTo(id, "A"), openedBy(id, "A"))
	}
	s.Created(t, blackbox.Array(records...))
	s.Post(t, blackbox.Array(blackbox.Record(blackbox.Fields{"hash_id": blackbox.Quote(ids[0]), "event_type": `"opened"`})))
	var seen strings.Builder
	ask := func() {
		for _, path := range []string{
			"/statistics", "/benefits", "/benefits/timeline", "/insight/benefits", "/insight/positions", "/insight/funnel", "/insight/timeline",
			"/insight/quality", "/insight/visitors", "/insight/visitors?format=csv", "/insight/experiments/place", "/insight/experiments?format=csv",
			"/insight/", "/insight/page/benefits", "/insight/page/positions", "/insight/page/benefit?benefit=RSA", "/insight/page/funnel",
			"/insight/page/experiments", "/insight/page/quality",
		} {
			expectFetched(t, &seen, s.URL+path)
		}
		_, events := listen(t, s)
		fmt.Fprint(&seen, nextEvent(t, events))
		expectFetched(t, &seen, "http://"+address+"/metrics")
		seen.WriteString(storedText(t, s.Config.DataDir))
	}
	ask()
	clock.Set(t, "2026-07-09T12:00:00Z")
	s.Created(t, blackbox.Array(records...))
	awaitDays(t, s.Config.DataDir, 1)
	ask()
	s.Restart(t)
	ask()
	seen.WriteString(log.String())
	text := seen.String()
	for _, id := range ids {
		for name, trace := range tracesOf(id) {
			if strings.Contains(text, trace) {
				t.Errorf("%s of %s is found", name, id)
			}
		}
	}
	if !strings.Contains(text, "place") || !strings.Contains(text, "RSA") {
		t.Error("not even the experiment is found: this test sees nothing")
	}
}

// expectFetched adds what is at a URL.
func expectFetched(t *testing.T, seen *strings.Builder, url string) {
	t.Helper()
	status, body := fetch(t, url)
	if status != http.StatusOK {
		t.Errorf("%s answers %d %s", url, status, body)
	}
	seen.WriteString(body)
}

// tracesOf are what could lead to an id: the id, and hashes of it without a key, as bytes
// of either order and as texts.
func tracesOf(id string) map[string]string {
	traces := map[string]string{
		"the id": id, "its hex": hex.EncodeToString([]byte(id)), "its base64": base64.StdEncoding.EncodeToString([]byte(id)),
	}
	md, one, two := md5.Sum([]byte(id)), sha1.Sum([]byte(id)), sha256.Sum256([]byte(id))
	fnv1, fnv1a := fnv.New64(), fnv.New64a()
	_, _ = fnv1.Write([]byte(id))
	_, _ = fnv1a.Write([]byte(id))
	for name, hash := range map[string][]byte{
		"MD5": md[:], "SHA-1": one[:], "SHA-256": two[:], "FNV-1": fnv1.Sum(nil), "FNV-1a": fnv1a.Sum(nil),
		"CRC-64": binary.BigEndian.AppendUint64(nil, crc64.Checksum([]byte(id), crc64.MakeTable(crc64.ECMA))),
	} {
		reversed := binary.LittleEndian.AppendUint64(nil, binary.BigEndian.Uint64(hash))
		traces[name], traces[name+" reversed"], traces[name+" in hex"] = string(hash[:8]), string(reversed), hex.EncodeToString(hash[:8])
		traces[name+" in decimals"] = fmt.Sprint(binary.BigEndian.Uint64(hash))
	}
	traces["CRC-32 in hex"] = fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(id)))
	return traces
}
