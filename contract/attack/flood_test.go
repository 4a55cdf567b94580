package attack

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
)

// flood is a body of records about benefits that nobody has heard of.
type flood struct {
	body   []byte
	places []int // of the names in it
	random *rand.Rand
}

func newFlood(records int, seed uint64) *flood {
	const name = "0123456789abcdef"
	f := &flood{random: rand.New(rand.NewPCG(seed, seed))}
	f.body = []byte(blackbox.Times(records, blackbox.Record(blackbox.Fields{"benefit_id": blackbox.Quote(name), "event_type": "", "version": ""})))
	for from := 0; ; {
		at := bytes.Index(f.body[from:], []byte(name))
		if at < 0 {
			return f
		}
		f.places = append(f.places, from+at)
		from += at + len(name)
	}
}

// next makes up new names.
func (f *flood) next() string {
	var number [8]byte
	for _, at := range f.places {
		binary.BigEndian.PutUint64(number[:], f.random.Uint64())
		hex.Encode(f.body[at:], number[:])
	}
	return string(f.body)
}

func TestMillionsOfRandomBenefitsAreCountedAsOthers(t *testing.T) {
	t.Parallel()
	const (
		clients, most = 4, 10_000
		inOne         = 1_000
	)
	records := harnesstest.Scale(1_000_000, 10_000_000)
	s := besiege(t)
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			f := newFlood(inOne, uint64(client))
			for range records / clients / inOne {
				s.Created(t, f.next())
				if t.Failed() {
					return
				}
			}
		})
	}
	all.Wait()
	s.cancel()
	s.honest.Wait() // for what the totals are to be
	totals, sum := s.Totals(t, ""), 0
	for _, events := range totals {
		sum += events["show"]
	}
	if want := records + s.recorded; sum != want {
		t.Errorf("%d records count, want %d", sum, want)
	}
	if others := totals["__other__"]["show"]; len(totals) != most+1 || others < records-most {
		t.Errorf("%d benefits, of which the others have %d records; want %d, and nearly all", len(totals), others, most+1)
	}
	overflowed := s.Get(t, "/statistics").Header.Get("Overflowed-Records")
	if overflowed != strconv.Itoa(totals["__other__"]["show"]) {
		t.Errorf("/statistics says that %q records had no room, want all that count for others", overflowed)
	}
	s.survived(t, 150)
}

func TestDeepJSONInAnyFieldDoesNoHarm(t *testing.T) {
	t.Parallel()
	s := besiege(t, "MAX_BODY_BYTES=16777216")
	for _, field := range []string{
		"benefit_id", "hash_id", "benefit_index", "page_total", "event_type", "version", "abtesting", "created_at", "unknown",
	} {
		for _, depth := range []int{10_000, 1_000_000} {
			for _, nested := range []string{
				strings.Repeat("[", depth) + strings.Repeat("]", depth),
				strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth),
				strings.Repeat(`[{"a":`, depth/2) + "1" + strings.Repeat("}]", depth/2),
				strings.Repeat("[", depth), // unfinished
			} {
				for _, body := range []string{blackbox.Record(blackbox.Fields{field: nested}), blackbox.Array(blackbox.RecordOf("fine"), blackbox.Record(blackbox.Fields{field: nested}))} {
					// RFC 8259 lets a parser limit the depth of what is valid: one field is
					// ignored, and both are answers at this depth.
					got := s.Post(t, body)
					if got.Status != http.StatusUnprocessableEntity && !(field == "unknown" && depth == 10_000 && got.Status == http.StatusOK) {
						t.Errorf("status %d for %s of depth %d, want 422", got.Status, field, depth)
					}
				}
			}
		}
	}
	s.survived(t, 400)
}
