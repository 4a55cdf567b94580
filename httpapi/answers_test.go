package httpapi

import (
	"errors"
	"io"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestAnswersOnTheirWayAreBoundedAndGiveTheirBytesBack(t *testing.T) {
	a := newAnswers(1 << 20)
	if leaving, err := a.account(make([]byte, smallAnswerBytes)); leaving != nil || err != nil {
		t.Errorf("a small answer: %v, %v", leaving, err)
	}
	half := make([]byte, 1<<19)
	first, err := a.account(half)
	second, err2 := a.account(half)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if _, err := a.account(half); !errors.Is(err, errBusy) {
		t.Errorf("a third: %v, want errBusy", err)
	}
	for range 2 {
		if err := errors.Join(first.Close(), second.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if huge, err := a.account(make([]byte, 2<<20)); err != nil || huge.Close() != nil {
		t.Errorf("an answer larger than the limit, by itself: %v", err)
	}
	if leaving := a.leaving.Load(); leaving != 0 {
		t.Errorf("%d bytes are leaving, want none", leaving)
	}
}

func TestEveryWayOfWritingAnAnswerGivesItsBytesBack(t *testing.T) {
	a := newAnswers(1 << 20)
	for _, skip := range []bool{false, true} {
		leaving, err := a.account(make([]byte, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
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
