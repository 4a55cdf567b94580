package importer_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"stats-recorder/exchange/importer"
)

func TestATruncatedInputIsRefusedWhereverItIsCut(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(1, 2)
	whole := map[string][]byte{
		"bson":          dump(t, documents...),
		"archive":       archive(t, namespace{"a", "b", documents}),
		"array":         bytes.TrimSpace(export(t, false, true, documents...)),
		"lines":         bytes.TrimSpace(export(t, false, false, documents...)),
		"gzipped bson":  gzipped(t, dump(t, documents...)),
		"gzipped lines": gzipped(t, export(t, false, false, documents...)),
	}
	for name, content := range whole {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			boundaries := 0
			for length := 1; length < len(content); length++ {
				err := readError(t, stdin(content[:length]))
				if err == nil && (name == "bson" || name == "lines") {
					boundaries++ // nothing tells this from a whole one
					continue
				}
				if !errors.Is(err, importer.ErrTruncated) && !errors.Is(err, importer.ErrCorrupt) && !errors.Is(err, importer.ErrFormat) {
					t.Fatalf("cut at %d of %d bytes: error is %v", length, len(content), err)
				}
			}
			if boundaries > 2*len(documents) {
				t.Errorf("%d cuts went unnoticed", boundaries)
			}
		})
	}
}

func TestATruncatedInputSaysTheFileAndTheOffset(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(1, 2000) // several chunks
	content := dump(t, documents...)
	last := len(marshal(t, documents[1999]))
	path := write(t, content[:len(content)-10], t.TempDir(), "benefits.bson")
	err := readError(t, importer.Options{Paths: []string{path}})
	want := fmt.Sprintf("read %q at offset %d: truncated: %d bytes are left, want a document of %d", path, len(content)-last, last-10, last)
	if !errors.Is(err, importer.ErrTruncated) || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// damages changes bytes of documents in a way that must be noticed.
var damages = []struct {
	name   string
	kind   error
	change func(content []byte, at int) []byte // at is where a document begins
}{
	{"length too small", importer.ErrCorrupt, func(c []byte, at int) []byte { binary.LittleEndian.PutUint32(c[at:], 4); return c }},
	{"length negative", importer.ErrCorrupt, func(c []byte, at int) []byte { binary.LittleEndian.PutUint32(c[at:], 1<<31+5); return c }},
	{"length too large", importer.ErrCorrupt, func(c []byte, at int) []byte { binary.LittleEndian.PutUint32(c[at:], 17<<20); return c }},
	{"length one too long", importer.ErrCorrupt, func(c []byte, at int) []byte { c[at]++; return c }},
	{"length beyond the end", importer.ErrTruncated, func(c []byte, at int) []byte { binary.LittleEndian.PutUint32(c[at:], 16<<20); return c }},
	{"unknown type", importer.ErrCorrupt, func(c []byte, at int) []byte { c[at+4] = 0x42; return c }},
	{"name without end", importer.ErrCorrupt, func(c []byte, at int) []byte {
		length := int(binary.LittleEndian.Uint32(c[at:]))
		copy(c[at+5:at+length-1], bytes.Repeat([]byte("x"), length))
		return c
	}},
	{"string too long", importer.ErrCorrupt, func(c []byte, at int) []byte {
		binary.LittleEndian.PutUint32(c[at+bytes.Index(c[at:], []byte("benefit_id\x00"))+11:], 5000)
		return c
	}},
	{"string with a wrong length", importer.ErrCorrupt, func(c []byte, at int) []byte {
		c[at+bytes.Index(c[at:], []byte("benefit_id\x00"))+11]--
		return c
	}},
	{"string of length 0", importer.ErrCorrupt, func(c []byte, at int) []byte {
		binary.LittleEndian.PutUint32(c[at+bytes.Index(c[at:], []byte("benefit_id\x00"))+11:], 0)
		return c
	}},
	{"inner document too short", importer.ErrCorrupt, func(c []byte, at int) []byte {
		binary.LittleEndian.PutUint32(c[at+bytes.Index(c[at:], []byte("abtesting\x00"))+10:], 2)
		return c
	}},
}

func TestACorruptDumpIsRefusedAndNothingIsSummedUp(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(1, 1500)
	whole := dump(t, documents...)
	at := len(dump(t, documents[:1000]...)) // in the second chunk
	length := len(marshal(t, documents[1000]))
	for _, damage := range damages {
		path := write(t, damage.change(bytes.Clone(whole), at), t.TempDir(), "benefits.bson")
		summary, err := importer.Read(t.Context(), importer.Options{Paths: []string{path}, Workers: 2}, func([]importer.Document) error { return nil })
		if !errors.Is(err, damage.kind) {
			t.Errorf("%s: error is %v, want %v", damage.name, err, damage.kind)
			continue
		}
		if summary.Read != 0 || summary.Inputs != nil {
			t.Errorf("%s: summary is %+v", damage.name, summary)
		}
		var offset int
		if _, err := fmt.Sscanf(strings.TrimPrefix(err.Error(), fmt.Sprintf("read %q at offset ", path)), "%d", &offset); err != nil || offset < at || offset > at+length {
			t.Errorf("%s: %v does not name the file and an offset in %d to %d", damage.name, err, at, at+length)
		}
	}
}

func TestCorruptJSONIsRefused(t *testing.T) {
	t.Parallel()
	good := strings.TrimSpace(string(export(t, false, false, oldDocuments(1, 1)...)))
	for content, kind := range map[string]error{
		good + "\n{\"a\":01}":          importer.ErrCorrupt,
		good + "\n{\"a\":tru}":         importer.ErrCorrupt,
		good + "\n{\"a\" 1}":           importer.ErrCorrupt,
		good + "\n{]}":                 importer.ErrCorrupt,
		good + "\n{\"a\":\"\x01\"}":    importer.ErrCorrupt,
		good + "\nNaN":                 importer.ErrCorrupt,
		good + "," + good:              importer.ErrCorrupt,
		good + "\n}":                   importer.ErrCorrupt,
		"[" + good + good + "]":        importer.ErrCorrupt,
		"[" + good + ",]":              importer.ErrCorrupt,
		"[," + good + "]":              importer.ErrCorrupt,
		"[" + good + "] " + good:       importer.ErrCorrupt,
		"[" + good + "]]":              importer.ErrCorrupt,
		"[" + good:                     importer.ErrTruncated,
		"[" + good + ",":               importer.ErrTruncated,
		good + "\n{\"a\":\"":           importer.ErrTruncated,
		good + "\n\"a":                 importer.ErrTruncated,
		"_id,benefit_id\n1,a\n":        importer.ErrFormat,
		"\xff\xfe{\x00\"\x00":          importer.ErrFormat,
		strings.Repeat(" ", 600) + "{": importer.ErrFormat,
	} {
		if err := readError(t, stdin([]byte(content))); !errors.Is(err, kind) {
			t.Errorf("%.60q…: error is %v, want %v", content[max(0, len(content)-30):], err, kind)
		}
	}
}

func TestACorruptGzipFileIsRefused(t *testing.T) {
	t.Parallel()
	content := gzipped(t, dump(t, oldDocuments(1, 1000)...))
	for name, change := range map[string]func([]byte) []byte{
		"checksum":        func(c []byte) []byte { c[len(c)-6] ^= 1; return c },
		"length":          func(c []byte) []byte { c[len(c)-1] ^= 1; return c },
		"trailing bytes":  func(c []byte) []byte { return append(c, "more"...) },
		"within the data": func(c []byte) []byte { copy(c[len(c)/2:], bytes.Repeat([]byte{0xff}, 40)); return c },
		"header":          func(c []byte) []byte { c[2] = 9; return c },
	} {
		err := readError(t, stdin(change(bytes.Clone(content))))
		if !errors.Is(err, importer.ErrCorrupt) && !errors.Is(err, importer.ErrTruncated) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestACorruptArchiveIsRefused(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(1, 30)
	whole := archive(t, namespace{"a", "b", documents})
	one := marshal(t, documents[0])
	lastSegment := bytes.LastIndex(whole, []byte("\x02db\x00")) - 4
	for name, c := range map[string]struct {
		content []byte
		kind    error
	}{
		"a flipped bit in a value":  {bytes.Replace(whole, []byte("aide_"), []byte("aidf_"), 1), importer.ErrCorrupt},
		"a document missing":        {bytes.Replace(whole, one, nil, 1), importer.ErrCorrupt},
		"a document twice":          {bytes.Replace(whole, one, append(one, one...), 1), importer.ErrCorrupt},
		"another version":           {bytes.Replace(whole, []byte("\x000.1\x00"), []byte("\x000.2\x00"), 1), importer.ErrFormat},
		"no last segment":           {whole[:lastSegment], importer.ErrTruncated},
		"the last segment twice":    {append(bytes.Clone(whole), whole[lastSegment:]...), importer.ErrCorrupt},
		"a terminator too many":     {append(bytes.Clone(whole), 0xff, 0xff, 0xff, 0xff), importer.ErrCorrupt},
		"no terminator at the end":  {whole[:len(whole)-4], importer.ErrTruncated},
		"something after its end":   {append(bytes.Clone(whole), 1, 2, 3), importer.ErrTruncated},
		"a document after the last": {append(bytes.Clone(whole[:len(whole)-4]), one...), importer.ErrCorrupt},
	} {
		if err := readError(t, stdin(c.content)); !errors.Is(err, c.kind) {
			t.Errorf("%s: error is %v, want %v", name, err, c.kind)
		}
	}
}

func TestADocumentThatClaimsToBeLongCostsNoMemory(t *testing.T) {
	content := append([]byte{0, 0, 0, 1}, bytes.Repeat([]byte{1}, 1000)...) // 16 MiB, it says
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := readError(t, stdin(content))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, importer.ErrTruncated) {
		t.Errorf("error is %v", err)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
		t.Errorf("%d bytes were allocated for an input of %d", allocated, len(content))
	}
}

func TestAnInputThatIsNotThereIsNamedBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	good := write(t, dump(t, oldDocuments(1, 1)...), t.TempDir(), "good.bson")
	missing := good + ".missing"
	called := false
	_, err := importer.Read(t.Context(), importer.Options{Paths: []string{good, missing}}, func([]importer.Document) error { called = true; return nil })
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), fmt.Sprintf("%q", missing)) || called {
		t.Errorf("error is %v; the sink was called: %v", err, called)
	}
}

func TestAHugeJSONDocumentIsRefusedNotGathered(t *testing.T) {
	t.Parallel()
	endless := &repeating{prefix: []byte(`{"a":"`), left: 256 << 20}
	err := readError(t, importer.Options{Paths: []string{"-"}, Stdin: endless})
	if !errors.Is(err, importer.ErrCorrupt) || endless.left <= 0 {
		t.Errorf("error is %v, %d bytes were left", err, endless.left)
	}
}

var manyLetters = bytes.Repeat([]byte("x"), 1<<20)

// repeating is a prefix and then the letter x many times.
type repeating struct {
	prefix []byte
	left   int
}

func (r *repeating) Read(into []byte) (int, error) {
	if len(r.prefix) > 0 {
		n := copy(into, r.prefix)
		r.prefix = r.prefix[n:]
		return n, nil
	}
	n := copy(into, manyLetters)
	r.left -= n
	return n, nil
}
