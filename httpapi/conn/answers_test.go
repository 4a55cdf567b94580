package conn

import (
	"io"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestAnswersOnTheirWayAreBoundedAndGiveTheirBytesBack(t *testing.T) {
	a := answers{limit: 1 << 20}
	const half = 1 << 19
	for range 2 {
		if !a.reserve(half) {
			t.Fatal("two halves of the limit do not fit")
		}
	}
	if a.reserve(half) {
		t.Error("a third half fits")
	}
	a.release(half)
	a.release(half)
	if !a.reserve(2 << 20) {
		t.Error("an answer larger than the limit does not fit by itself")
	}
	a.release(2 << 20)
	if leaving := a.leaving.Load(); leaving != 0 {
		t.Errorf("%d bytes are leaving, want none", leaving)
	}
}

func TestSmallAnswersNeedNoRoom(t *testing.T) {
	x := Exchange{server: &Server{}} // whose limit is 0
	if !x.Reserve(smallAnswerBytes) || x.reserved != 0 {
		t.Error("a small answer is accounted for")
	}
}

func TestEveryWayOfWritingAnAnswerGivesItsBytesBack(t *testing.T) {
	a := answers{limit: 1 << 20}
	for _, skip := range []bool{false, true} {
		if !a.reserve(1 << 20) {
			t.Fatal("there is no room")
		}
		leaving := &leavingAnswer{answers: &a, size: 1 << 20}
		leaving.Reset(make([]byte, 1<<20))
		var response fasthttp.Response
		response.SetBodyStream(leaving, leaving.Len())
		response.SkipBody = skip
		if err := response.BodyWriteTo(io.Discard); err != nil {
			t.Fatal(err)
		}
		response.Reset()
		if left := a.leaving.Load(); left != 0 {
			t.Errorf("SkipBody %v: %d bytes are leaving, want none", skip, left)
		}
	}
}
