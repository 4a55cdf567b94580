package cluster_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"stats-recorder/cluster"
)

// sealed is a vector's bytes with the checksum that belongs to them.
func sealed(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

func TestAVectorWithAGoodChecksumAndNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	one, two := cluster.Origin{1}, cluster.Origin{2}
	head := func(origins ...byte) []byte {
		return append(append([]byte{1}, make([]byte, 16+1+8)...), origins...)
	}
	origin := func(b []byte, origin cluster.Origin, numbers ...uint64) []byte {
		b = append(b, origin[:]...)
		for _, number := range numbers {
			b = binary.AppendUvarint(b, number)
		}
		return b
	}
	if _, err := cluster.DecodeCovered(sealed(origin(head(1), one, 3, 1, 2, 0))); err != nil {
		t.Fatalf("a good vector is refused: %v", err)
	}
	for name, body := range map[string][]byte{
		"more origins than bytes":            head(255, 255, 255, 255, 15),
		"fewer origins than it says":         origin(head(2), one, 3, 0),
		"an origin twice":                    origin(origin(head(2), one, 3, 0), one, 3, 0),
		"origins that descend":               origin(origin(head(2), two, 3, 0), one, 3, 0),
		"an origin without a frame":          origin(head(1), one, 0, 0),
		"more intervals than bytes":          origin(head(1), one, 3, 1<<40, 2, 0),
		"an interval that touches":           origin(head(1), one, 3, 1, 1, 0),
		"an interval that overlaps":          origin(head(1), one, 3, 1, 0, 0),
		"a second interval that touches":     origin(head(1), one, 3, 2, 2, 0, 1, 0),
		"an interval beyond the numbers":     origin(head(1), one, math.MaxUint64, 1, 2, 0),
		"an interval that ends beyond":       origin(head(1), one, 3, 1, 2, math.MaxUint64-3),
		"a number in more bytes than needed": append(origin(head(1), one), 0x83, 0x00, 0),
		"a number without an end":            append(origin(head(1), one), 0x83),
		"bytes behind the end":               append(origin(head(1), one, 3, 0), 0),
	} {
		if _, err := cluster.DecodeCovered(sealed(body)); !errors.Is(err, cluster.ErrMalformed) {
			t.Errorf("%s: error %v, want %v", name, err, cluster.ErrMalformed)
		}
	}
}

func FuzzDecodeCovered(f *testing.F) {
	covered := &cluster.Covered{}
	for _, sequence := range []uint64{1, 2, 5, 9, 10} {
		covered.Add(cluster.Origin{1}, sequence)
		covered.Add(cluster.Origin{2}, sequence*3)
	}
	encoded := covered.AppendTo(nil)
	f.Add(encoded[:len(encoded)-4])
	f.Fuzz(func(t *testing.T, body []byte) {
		data := sealed(slices.Clone(body))
		covered, err := cluster.DecodeCovered(data)
		if err != nil {
			return
		}
		if again := covered.AppendTo(nil); !slices.Equal(again, data) {
			t.Fatalf("decoded %x, which encodes to %x", data, again)
		}
	})
}

func aFrame() cluster.Frame {
	return cluster.Frame{Origin: cluster.Origin{1, 15: 2}, Sequence: 3, Nonce: math.MaxUint64, Format: 1, Clock: 498_000, Payload: []byte("counts")}
}

func encode(t testing.TB, frame cluster.Frame) []byte {
	t.Helper()
	encoded, err := frame.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestAFrameComesBackAsItWasEncoded(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{"some": "counts", "none": "", "the most": strings.Repeat("x", cluster.MaxPayload)} {
		t.Run(name, func(t *testing.T) {
			frame := aFrame()
			frame.Payload = []byte(payload)
			decoded, err := cluster.DecodeFrame(encode(t, frame))
			if err != nil || !reflect.DeepEqual(decoded, frame) {
				t.Errorf("decoded %v, error %v, want %v", decoded, err, frame)
			}
		})
	}
}

func TestADamagedFrameIsRefused(t *testing.T) {
	t.Parallel()
	encoded := encode(t, aFrame())
	for length := range encoded {
		if _, err := cluster.DecodeFrame(encoded[:length]); !errors.Is(err, cluster.ErrMalformed) {
			t.Fatalf("the first %d bytes of %d: error %v, want %v", length, len(encoded), err, cluster.ErrMalformed)
		}
	}
	for bit := range len(encoded) * 8 {
		flipped := slices.Clone(encoded)
		flipped[bit/8] ^= 1 << (bit % 8)
		_, err := cluster.DecodeFrame(flipped)
		if isFormat := bit/8 == 4 || bit/8 == 5; !errors.Is(err, cluster.ErrMalformed) && !(isFormat && errors.Is(err, cluster.ErrFormat)) {
			t.Fatalf("bit %d is flipped: error %v, want %v", bit, err, cluster.ErrMalformed)
		}
	}
	if _, err := cluster.DecodeFrame(append(encoded, 0)); !errors.Is(err, cluster.ErrMalformed) {
		t.Errorf("a byte follows: error %v, want %v", err, cluster.ErrMalformed)
	}
}

func TestAFrameOfANewerProgramSaysSoWhateverFollows(t *testing.T) {
	t.Parallel()
	for _, frame := range []string{"srfr\x02\x00", "srfr\x02\x00and what only that program knows", "srfr\x00\x00", "srfr\xff\xff"} {
		if _, err := cluster.DecodeFrame([]byte(frame)); !errors.Is(err, cluster.ErrFormat) || !cluster.IsFinal(err) {
			t.Errorf("%q: error %v, want %v, which is final", frame, err, cluster.ErrFormat)
		}
	}
}

func TestAFrameThatCannotBeReadIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*cluster.Frame)
		want   error
	}{
		"without an origin":       {func(f *cluster.Frame) { f.Origin = cluster.Origin{} }, cluster.ErrMalformed},
		"without a sequence":      {func(f *cluster.Frame) { f.Sequence = 0 }, cluster.ErrMalformed},
		"without a format":        {func(f *cluster.Frame) { f.Format = 0 }, cluster.ErrFormat},
		"in a newer format":       {func(f *cluster.Frame) { f.Format = cluster.NewestFormat + 1 }, cluster.ErrFormat},
		"with too long a payload": {func(f *cluster.Frame) { f.Payload = make([]byte, cluster.MaxPayload+1) }, cluster.ErrTooLarge},
	} {
		frame := aFrame()
		test.change(&frame)
		if _, err := frame.Encode(); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
	}
}

func TestAFrameIDTellsFramesApart(t *testing.T) {
	t.Parallel()
	frame := aFrame()
	id := cluster.IDOf(frame, encode(t, frame))
	if parsed, err := cluster.ParseFrameID(id.String()); err != nil || parsed != id {
		t.Errorf("parsed %v, error %v, want %v", parsed, err, id)
	}
	for name, change := range map[string]func(*cluster.Frame){
		"nonce":   func(f *cluster.Frame) { f.Nonce-- },
		"clock":   func(f *cluster.Frame) { f.Clock++ },
		"payload": func(f *cluster.Frame) { f.Payload = []byte("count") },
	} {
		other := aFrame()
		change(&other)
		if cluster.IDOf(other, encode(t, other)) == id {
			t.Errorf("a frame with another %s has the same ID", name)
		}
	}
	text := id.String()
	for _, bad := range []string{"", "x", text[1:], text + "0", strings.ToUpper(text), strings.Replace(text, "-", "_", 1), " " + text} {
		if _, err := cluster.ParseFrameID(bad); !errors.Is(err, cluster.ErrMalformed) {
			t.Errorf("frame ID %q: error %v, want %v", bad, err, cluster.ErrMalformed)
		}
	}
}

func TestAFrameIsRenumberedAlikeEachTime(t *testing.T) {
	t.Parallel()
	frame, later := aFrame(), aFrame()
	later.Sequence++
	once, err := frame.Renumbered()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := frame.Renumbered()
	other, _ := later.Renumbered()
	if once.Sequence != 1 || once.Origin == frame.Origin || !reflect.DeepEqual(once, again) || once.Origin == other.Origin {
		t.Errorf("renumbered to %v, again to %v, another frame to %v", once, again, other)
	}
	if once.Nonce != frame.Nonce || string(once.Payload) != string(frame.Payload) {
		t.Errorf("renumbered to %v, which is another frame than %v", once, frame)
	}
}

func TestAnOriginComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	origin := cluster.NewOrigin()
	if parsed, err := cluster.ParseOrigin(origin.String()); err != nil || parsed != origin {
		t.Errorf("parsed %v, error %v, want %v", parsed, err, origin)
	}
	if origin == cluster.NewOrigin() {
		t.Error("two origins are the same")
	}
	for _, bad := range []string{"", "node-1", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("g", 32)} {
		if _, err := cluster.ParseOrigin(bad); !errors.Is(err, cluster.ErrMalformed) {
			t.Errorf("origin %q: error %v, want %v", bad, err, cluster.ErrMalformed)
		}
	}
}
