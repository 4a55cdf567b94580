package conn

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func TestAPreparedAnswerIsRenderedOnceInASecond(t *testing.T) {
	t.Parallel()
	filled := 0
	answer := Prepare(func(response *fasthttp.Response) {
		filled++
		response.Header.SetContentLength(filled)
	})
	rendered, at := newRendering(), time.Unix(1_800_000_000, 0)
	inFirst := string(rendered.prepared(answer, false, at))
	if again := string(rendered.prepared(answer, false, at.Add(time.Second-1))); again != inFirst {
		t.Errorf("%q, then %q in the same second", inFirst, again)
	}
	before := filled
	if rendered.prepared(answer, false, at.Add(time.Second)); filled == before {
		t.Error("the next second has the date of the one before")
	}
}
