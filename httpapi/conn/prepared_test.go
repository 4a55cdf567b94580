package conn

import (
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// preparedOutcome is an Outcome whose answer is prepared.
type preparedOutcome struct {
	accepted
	answer *Prepared
}

func (p preparedOutcome) Answer(*fasthttp.Response, error, time.Time) *Prepared { return p.answer }

func TestAPreparedAnswerIsTheOneOfItsRequest(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*Config)) {
		made := undecided()
		made.make(nil)
		answers := map[string]*Prepared{}
		for _, name := range []string{"[]", "{}"} {
			answers[name] = Prepare(func(response *fasthttp.Response) {
				response.Header.Set("X-Name", name)
				response.SetBodyString("about " + name)
			})
		}
		d := open(t, way, func(c *Config) {
			c.Handler = func(x *Exchange) {
				x.Await(made, preparedOutcome{answer: answers[string(x.Request.Body())]})
			}
		})
		conn, reader := d.dial(t)
		for _, body := range []string{"[]", "{}", "{}", "[]"} {
			if _, err := conn.Write([]byte(postHead + "Content-Length: 2\r\n\r\n" + body)); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			text := make([]byte, 8)
			_, err = response.Body.Read(text)
			if response.Header.Get("X-Name") != body || string(text) != "about "+body || response.Close || response.Header.Get("Date") == "" {
				t.Errorf("after %s: %q with %v (%v)", body, text, response.Header, err)
			}
		}
		last := postHead + "Connection: close\r\nContent-Length: 2\r\n\r\n[]"
		if _, err := conn.Write([]byte(last)); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil || !response.Close || response.Header.Get("X-Name") != "[]" {
			t.Errorf("the last answer is %+v (%v)", response, err)
		}
	})
}
