package visitors_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc64"
	"hash/fnv"
	"reflect"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// TestSumsHoldNothingOfAVisitor looks for ids, and for hashes of them under keys
// that somebody could guess and under the key of the day, in all texts and numbers
// of the sums and in what they look like when they are printed.
func TestSumsHoldNothingOfAVisitor(t *testing.T) {
	ids := []string{"1f2e3d4c5b6a7988", "visitor@example.org", "uid_0123456789abcdef"}
	ledger := newLedger(t, visitors.DefaultLimits())
	for _, id := range ids {
		ledger.AddRecords(shown(id, noon, "place=A", "text=long"))
	}
	readKey, _ := ledger.Secrets(noon.Day())
	key := readKey()
	running, _ := ledger.Sums(noon.Day())
	closed, _ := ledger.Close(noon.Day())
	merged := running.Merge(closed, 64)
	for name, sums := range map[string]visitors.Sums{"running": running, "closed": closed, "merged": merged} {
		t.Run(name, func(t *testing.T) {
			held := contentOf(t, sums)
			for _, id := range ids {
				held.lacksTexts(t, id)
				held.lacksNumbers(t, hashesOf(id, noon.Day(), key))
			}
		})
	}
}

// content is all that can be reached from a value.
type content struct {
	texts   []string
	numbers map[uint64]bool
}

func contentOf(t *testing.T, sums visitors.Sums) content {
	t.Helper()
	held := content{numbers: map[uint64]bool{}}
	held.walk(t, reflect.ValueOf(sums), "Sums")
	encoded, err := json.Marshal(sums)
	if err != nil {
		t.Fatal(err)
	}
	held.texts = append(held.texts, string(encoded), fmt.Sprintf("%+v", sums), fmt.Sprintf("%#v", sums), fmt.Sprintf("%x", sums))
	return held
}

// walk visits a value that may have numbers, texts, lists and structures of them,
// all of them exported: so there is no way from it to anything else.
func (c *content) walk(t *testing.T, value reflect.Value, path string) {
	t.Helper()
	switch value.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		c.numbers[value.Uint()] = true
	case reflect.String:
		c.texts = append(c.texts, value.String())
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			c.walk(t, value.Index(i), fmt.Sprint(path, "[", i, "]"))
		}
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if !field.IsExported() {
				t.Errorf("%s.%s is hidden", path, field.Name)
			}
			c.walk(t, value.Field(i), path+"."+field.Name)
		}
	default:
		t.Errorf("%s is a %v, which may lead anywhere", path, value.Kind())
	}
}

func (c *content) lacksTexts(t *testing.T, id string) {
	t.Helper()
	for _, form := range []string{
		id, strings.TrimPrefix(id, "uid_"), hex.EncodeToString([]byte(id)), base64.StdEncoding.EncodeToString([]byte(id)),
		fmt.Sprint([]byte(id)),
	} {
		for _, text := range c.texts {
			if strings.Contains(text, form) {
				t.Errorf("%q is in %q", form, text)
			}
		}
	}
}

// lacksNumbers looks for hashes, also without the few bits that a table may use
// for something else, at either end.
func (c *content) lacksNumbers(t *testing.T, hashes map[string]uint64) {
	t.Helper()
	for name, hash := range hashes {
		for number := range c.numbers {
			if number > 1<<16 && (number^hash < 1<<8 || number^hash>>3 < 1<<8 || (number^hash)<<8 == 0) {
				t.Errorf("the number %#x is %s", number, name)
			}
		}
		for _, text := range c.texts {
			if strings.Contains(text, fmt.Sprint(hash)) || strings.Contains(text, fmt.Sprintf("%x", hash)) {
				t.Errorf("%s is in %q", name, text)
			}
		}
	}
}

// hashesOf are hashes of an id that somebody may make who has the sums.
func hashesOf(id string, date counters.Day, key [2]uint64) map[string]uint64 {
	hashes := map[string]uint64{"SipHash under the key of the day": visitors.SipHash(key[0], key[1], []byte(id))}
	day := uint64(date)
	for name, guess := range map[string][2]uint64{
		"no key": {}, "the day": {day, 0}, "the day at the other end": {0, day}, "the day twice": {day, day},
		"one": {1, 0}, "ones": {^uint64(0), ^uint64(0)}, "0 to 15": {0x0706050403020100, 0x0f0e0d0c0b0a0908},
		"the second of the day": {day * 86_400, 0},
	} {
		hashes["SipHash under "+name] = visitors.SipHash(guess[0], guess[1], []byte(id))
	}
	sha, md := sha256.Sum256([]byte(id)), md5.Sum([]byte(id))
	hashes["SHA-256"], hashes["MD5"] = binary.BigEndian.Uint64(sha[:]), binary.BigEndian.Uint64(md[:])
	hashes["CRC-64"] = crc64.Checksum([]byte(id), crc64.MakeTable(crc64.ECMA))
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(id))
	hashes["FNV-1a"] = sum.Sum64()
	return hashes
}

// TestAClosedDayForgetsItsKeyAndItsHashes holds it for a day that is closed and for
// one that makes room for another.
func TestAClosedDayForgetsItsKeyAndItsHashes(t *testing.T) {
	for name, end := range map[string]func(*visitors.Ledger){
		"closed": func(l *visitors.Ledger) { l.Close(noon.Day()) },
		"pushed out": func(l *visitors.Ledger) {
			for day := range counters.Day(3) {
				l.AddRecords(shown("one", (noon.Day() + 1 + day).FirstHour()))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := newLedger(t, visitors.DefaultLimits())
			crowd{visitors: 100, benefits: 3}.arrive(ledger)
			key, words := ledger.Secrets(noon.Day())
			if key() == [2]uint64{} || !hasWord(words()) {
				t.Fatal("the open day has no key or no hashes")
			}
			end(ledger)
			if got := key(); got != [2]uint64{} {
				t.Errorf("the key is still %x", got)
			}
			if hasWord(words()) {
				t.Error("the hashes are still there")
			}
		})
	}
}

// TestATableThatGrowsLeavesNoHashes holds it for tables that others replaced, and
// for visitors that a sample left out.
func TestATableThatGrowsLeavesNoHashes(t *testing.T) {
	ledger := newLedger(t, smallLimits())
	crowd{visitors: 100, benefits: 3}.arrive(ledger)
	_, words := ledger.Secrets(noon.Day())
	crowd{visitors: 10_000, benefits: 3}.arrive(ledger)
	if hasWord(words()) {
		t.Error("hashes are in tables that are no longer used")
	}
}

func hasWord(words []uint64) bool {
	for _, word := range words {
		if word != 0 {
			return true
		}
	}
	return false
}

func TestKeysAreRandomForEachDayAndStart(t *testing.T) {
	seen := map[[2]uint64]bool{}
	for range 3 {
		ledger, err := visitors.New(visitors.Config{Limits: visitors.DefaultLimits(), Stages: stageTable()})
		if err != nil {
			t.Fatal(err)
		}
		for day := range counters.Day(3) {
			ledger.AddRecords(shown("one", (noon.Day() + day).FirstHour()))
			key, _ := ledger.Secrets(noon.Day() + day)
			seen[key()] = true
		}
	}
	if len(seen) != 9 || seen[[2]uint64{}] {
		t.Errorf("9 days have %d keys: %v", len(seen), seen)
	}
}

func TestPrintingALedgerSaysNothing(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	ledger.AddRecords(shown("one", noon))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, ledger); got != "visitors.Ledger" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if got, err := json.Marshal([]any{ledger}); err != nil || string(got) != "[{}]" {
		t.Errorf("as JSON it is %s, %v", got, err)
	}
}
