package docs

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func open(t *testing.T, path string) *reader {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{t: t, path: filepath.Base(path), data: data}
}

// documentedNumbers are those in the first column of the table with this heading.
func documentedNumbers(t *testing.T, heading string) map[uint32]bool {
	t.Helper()
	_, table, _ := strings.Cut(readDocument(t, "docs/formats.md"), "\n| "+heading+" |")
	table, _, _ = strings.Cut(table, "\n\n")
	numbers := map[uint32]bool{}
	for _, found := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(table, -1) {
		number, _ := strconv.ParseUint(found[1], 10, 32)
		numbers[uint32(number)] = true
	}
	return numbers
}

// sums are the sums of the counts in the sections of a file, by number.
type sums map[uint32]uint64

func (s sums) want(t *testing.T, want map[uint32]uint64) {
	t.Helper()
	for number, sum := range want {
		if s[number] != sum {
			t.Errorf("the sections %d count %d, want %d", number, s[number], sum)
		}
	}
}

// readSections reads a file of sections.
func readSections(t *testing.T, path, magic string) sums {
	t.Helper()
	r := open(t, path)
	r.expect("the magic", string(r.bytes(8)), magic)
	r.expect("the version", r.uint32(), uint32(2))
	r.bytes(4 + 8 + 8)
	r.identity()
	headerSum := castagnoli(r.data[:48])
	r.expect("the header's checksum", r.uint32(), headerSum)
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	counted, known := sums{}, documentedNumbers(t, "section")
	for index := uint64(0); ; index++ {
		header := r.data[r.at : r.at+16]
		number, length, payloadLength, payloadSum := r.uint32(), r.uint32(), r.uint32(), r.uint32()
		place := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, headerSum), index)
		r.expect("the section's checksum", r.uint32(), castagnoli(place, header))
		payload := r.bytes(int(payloadLength))
		r.expect("the payload's checksum", castagnoli(payload), payloadSum)
		content, err := decoder.DecodeAll(payload, nil)
		if err != nil {
			r.fail("%v", err)
		}
		r.expect("the content's length", uint32(len(content)), length)
		if !known[number] && number < 32 {
			r.fail("section %d is not in the table", number)
		}
		section := &reader{t: t, path: fmt.Sprintf("%s, section %d", r.path, number), data: content}
		if number == 9 {
			section.end(index, counted)
			r.expect("something behind the end", r.more(), false)
			return counted
		}
		counted[number] += section.content(number)
		section.expect("something behind the content", section.more(), false)
	}
}

// identity reads whose the file is.
func (r *reader) identity() {
	r.t.Helper()
	if strings.Trim(string(r.bytes(16)), "\x00") == "" {
		r.fail("there is no identity")
	}
}

func (r *reader) end(sections uint64, counted sums) {
	r.t.Helper()
	r.expect("the number of sections", r.uvarint(), sections)
	r.expect("the sum of the positions", r.uvarint(), counted[3])
	r.expect("the sum of the hours", r.uvarint(), counted[4])
}

// content reads the content of a section and returns the sum of its counts.
func (r *reader) content(number uint32) (sum uint64) {
	r.t.Helper()
	switch number {
	case 1, 2, 14:
		r.names()
	case 7, 15:
		for r.more() {
			r.uvarint()
			r.bytes(int(r.uvarint()))
		}
	case 10:
		for r.more() {
			r.bytes(16)
			r.uvarint()
			r.uvarint()
		}
	case 11:
		r.closedDays()
	case 12:
		for range 7 { // three for each of two times, and the retention
			r.uvarint()
		}
	case 13:
		return r.source()
	case 16:
		return r.keys()
	default:
		if number >= 500 {
			return r.details()
		}
		return r.columns()
	}
	return 0
}

func (r *reader) names() {
	r.t.Helper()
	r.uvarint()
	for n := r.uvarint(); n > 0; n-- {
		r.bytes(int(r.uvarint()))
	}
}

// source reads a source of imports, and returns of how many documents.
func (r *reader) source() (documents uint64) {
	r.t.Helper()
	r.uvarint()
	r.uvarint()
	r.uvarint()
	r.bytes(int(r.uvarint()))
	for last := ""; r.more(); {
		first := string(r.bytes(12))
		r.expect("the order of ranges", first > last, true)
		last = string(r.bytes(12))
		documents += r.uvarint()
		r.bytes(16)
	}
	return documents
}

// keys reads keys of batches, and returns how many.
func (r *reader) keys() (keys uint64) {
	r.t.Helper()
	for at := r.uvarint(); r.more(); keys++ {
		r.bytes(16 + 16)
		if age := r.uvarint(); age > at {
			r.fail("a key is %d ms old, and servers have run for %d ms", age, at)
		}
		r.bytes(int(r.uvarint()))
	}
	return keys
}

func (r *reader) closedDays() {
	r.t.Helper()
	r.uvarint()
	count, daysLength, generationsLength := r.uvarint(), r.uvarint(), r.uvarint()
	for _, column := range []*reader{
		r.part("days", daysLength), r.part("generations", generationsLength), r.part("sizes", uint64(len(r.data)-r.at)),
	} {
		for range count {
			column.uvarint()
		}
		column.expect("something behind the column", column.more(), false)
	}
}

// details reads counters less what is expected of them, and returns the sum of the counts.
func (r *reader) details() (sum uint64) {
	r.t.Helper()
	r.uvarint()
	p := newPacked(r)
	benefits, keys := int(p.number("sizes")), int(p.number("sizes"))
	for range benefits {
		p.number("benefits")
	}
	type expected struct{ code, share uint64 }
	var expectations []expected
	var of [][]uint64 // places of keys, by key
	for range keys {
		p.number("keys")
		e, places, place := expected{code: p.number("expectations")}, []uint64{}, uint64(0)
		if e.code == 1 {
			for n := p.number("sizes"); n > 0; n-- {
				place += p.number("places")
				places = append(places, place)
			}
		}
		if e.code > 0 {
			e.share = 1<<16 - unzigzag(p.number("shares"))
		}
		expectations, of = append(expectations, e), append(of, places)
	}
	var counts, left [][]uint64
	before := make([]uint64, benefits)
	for key, e := range expectations {
		whole := make([]uint64, benefits)
		if e.code > 1 {
			whole = slices.Clone(left[e.code-2])
		}
		for _, place := range of[key] {
			for benefit := range whole {
				whole[benefit] += counts[place][benefit]
			}
		}
		own := make([]uint64, benefits)
		for benefit := range own {
			if e.code == 0 {
				own[benefit] = p.number(fmt.Sprint("of key ", key, " after ", bits.Len64(before[benefit])))
			} else {
				variance := whole[benefit] * e.share * (1<<16 - e.share) >> 28
				own[benefit] = unzigzag(p.number(fmt.Sprint("of variance ", bits.Len64(variance))))
				if int64(whole[benefit]) > 0 {
					own[benefit] += (whole[benefit]*e.share + 1<<15) >> 16
				}
			}
			sum += own[benefit]
			whole[benefit] -= own[benefit]
		}
		if counts = append(counts, own); e.code > 0 {
			left = append(left, whole)
		}
		before = own
	}
	return sum
}

func unzigzag(n uint64) uint64 { return n>>1 ^ -(n & 1) }

// packed are packed numbers.
type packed struct {
	*reader
	value, width uint64
	chances      map[string]*[2]uint64 // zeros, bits
}

func newPacked(r *reader) *packed {
	p := &packed{r, 0, 1<<32 - 1, map[string]*[2]uint64{}}
	for range 4 {
		p.value = p.value<<8 | uint64(r.bytes(1)[0])
	}
	return p
}

func (p *packed) number(shape string) (number uint64) {
	length := 0
	for length < 64 && p.bit(fmt.Sprint(shape, " longer than ", length)) == 1 {
		length++
	}
	if length == 0 {
		return 0
	}
	number = 1
	for at := range length - 1 {
		chance := ""
		if at == 0 {
			chance = fmt.Sprint(shape, " second of ", length)
		}
		number = number<<1 | p.bit(chance)
	}
	return number
}

// bit reads one of a named chance, or of a new one.
func (p *packed) bit(name string) (bit uint64) {
	chance := p.chances[name]
	if chance == nil {
		chance = new([2]uint64)
		if name != "" {
			p.chances[name] = chance
		}
	}
	zero := p.width / (2*chance[1] + 2) * (2*chance[0] + 1)
	if p.value < zero {
		p.width = zero
		chance[0]++
	} else {
		bit = 1
		p.value -= zero
		p.width -= zero
	}
	if chance[1]++; chance[1] == 1024 {
		chance[0], chance[1] = chance[0]/2, chance[1]/2
	}
	for p.width < 1<<24 {
		p.width, p.value = p.width<<8, p.value<<8|uint64(p.bytes(1)[0])
	}
	return bit
}

func (r *reader) columns() (sum uint64) {
	r.t.Helper()
	r.uvarint()
	runsLength, gapsLength := r.uvarint(), r.uvarint()
	runs, gaps := r.part("runs", runsLength), r.part("gaps", gapsLength)
	for runs.more() {
		runs.uvarint()
		for n := runs.uvarint(); n > 0; n-- {
			gaps.uvarint()
			sum += r.uvarint()
		}
	}
	gaps.expect("something behind the gaps", gaps.more(), false)
	return sum
}

// readJournal reads a journal file and returns how many records it has.
func readJournal(t *testing.T, path string) (records uint64) {
	t.Helper()
	r := open(t, path)
	r.expect("the magic", string(r.bytes(8)), "SRJRNL\r\n")
	r.expect("the version", r.uint32(), uint32(2))
	salt, sequence := r.uint64(), r.uint64()
	r.expect("the name", fmt.Sprintf("journal-%016x", sequence), r.path)
	r.identity()
	previous := castagnoli(r.data[:44])
	r.expect("the header's checksum", r.uint32(), previous)
	for ; r.more() && strings.Trim(string(r.data[r.at:]), "\x00") != ""; sequence++ {
		start := r.at
		length, sum := r.uint32(), r.uint32()
		r.expect("the salt", r.uint64(), salt)
		r.expect("the sequence number", r.uint64(), sequence)
		if durable := r.uint64(); durable >= sequence {
			r.fail("commit %d is durable before it is written", durable)
		}
		r.expect("the checksum of the frame before", r.uint32(), previous)
		payload := r.part(fmt.Sprintf("frame %d", sequence), uint64(length))
		r.expect("the checksum", castagnoli(r.data[start:start+4], r.data[start+8:r.at]), sum)
		previous = sum
		records += payload.frame(documentedNumbers(t, "frame section"))
	}
	return records
}

func (r *reader) frame(known map[uint32]bool) (records uint64) {
	r.t.Helper()
	for r.more() {
		number := uint32(r.bytes(1)[0])
		section := r.part(fmt.Sprintf("section %d", number), r.uvarint())
		if !known[number] {
			r.fail("frame section %d is not in the table", number)
		}
		switch number {
		case 3:
			records += section.hour()
		case 4, 5:
			section.keys()
		default:
			section.names()
		}
		section.expect("something behind the content", section.more(), false)
	}
	return records
}

func (r *reader) hour() (records uint64) {
	r.t.Helper()
	r.uvarint()
	for r.more() {
		token := r.bytes(1)[0]
		if token&64 == 0 {
			r.uvarint()
		}
		if token&128 == 0 {
			r.uvarint()
		}
		for n := r.uvarint(); n > 0; n-- {
			count := uint64(1)
			if r.uvarint()&1 == 1 {
				count = r.uvarint()
			}
			records += count
		}
	}
	return records
}
