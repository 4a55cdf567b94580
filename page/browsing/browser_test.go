package browsing

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is one Chromium for all tests; each looks in a tab of its own.
var browser struct {
	sync.Once
	ctx  context.Context
	ends []context.CancelFunc
	err  error
}

func browserEnd() {
	for i := len(browser.ends) - 1; i >= 0; i-- {
		browser.ends[i]()
	}
}

// A tab is a tab of the browser that notes whatever goes wrong in it.
type tab struct {
	ctx context.Context

	mu     sync.Mutex
	wrongs []string // guarded by mu
}

// open opens a tab, or skips the test where there is no Chromium. The only requests
// that may leave it are for the origin.
func open(t *testing.T, origin string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: the page is not looked at in it")
	}
	browser.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("lang", "fr"),
			chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("hide-scrollbars", true))
		allocated, end := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, endBrowser := chromedp.NewContext(allocated)
		browser.ctx, browser.ends = ctx, []context.CancelFunc{end, endBrowser}
		browser.err = chromedp.Do(ctx)
	})
	if browser.err != nil {
		t.Fatal(browser.err)
	}
	ctx, end := chromedp.NewContext(browser.ctx)
	t.Cleanup(end)
	opened := &tab{ctx: ctx}
	if err := chromedp.Listen(ctx, func(event any) { opened.note(event, origin) }); err != nil {
		t.Fatal(err)
	}
	call(t, opened, network.Enable, network.EnableParams{})
	call(t, opened, log.Enable, cdp.Empty{})
	call(t, opened, runtime.Enable, cdp.Empty{})
	return opened
}

// note remembers what must not happen.
func (b *tab) note(event any, origin string) {
	wrong := ""
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		wrong = "a script failed: " + event.ExceptionDetails.Text
	case *log.EventEntryAdded:
		if event.Entry.Level == log.EntryLevelError || event.Entry.Level == log.EntryLevelWarning {
			wrong = "the console says: " + event.Entry.Text + " " + event.Entry.URL
		}
	case *network.EventRequestWillBeSent:
		own := strings.HasPrefix(event.Request.URL, "data:") // which is how a browser draws a calendar
		if !own && !strings.HasPrefix(event.Request.URL, origin) {
			wrong = "a request leaves for " + event.Request.URL
		}
	}
	if wrong != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.wrongs = append(b.wrongs, wrong)
	}
}

// expectNothingWrong requires that nothing went wrong since it was asked last.
func (b *tab) expectNothingWrong(t *testing.T, where string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, wrong := range b.wrongs {
		t.Errorf("%s: %s", where, wrong)
	}
	b.wrongs = nil
}

// expectFailure requires that the tab shows a failure, and that nothing else went wrong
// than its status, of which the browser tells too.
func (b *tab) expectFailure(t *testing.T, where string) {
	t.Helper()
	b.mu.Lock()
	b.wrongs = slices.DeleteFunc(b.wrongs, func(wrong string) bool { return strings.Contains(wrong, "the server responded with a status of") })
	b.mu.Unlock()
	if !eval[bool](t, b, `/^(Erreur|Error) [45]\d\d$/.test(document.querySelector(".q").innerText)`) {
		t.Errorf("%.150s shows no failure", where)
	}
	b.expectNothingWrong(t, where[:min(len(where), 150)])
}

// limited is the tab's context for one action.
func (b *tab) limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, patience)
}

func (b *tab) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := b.limited()
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// value is what an action returns.
func value[T any](t *testing.T, b *tab, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := b.limited()
	defer cancel()
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// eval is the value of an expression in the page.
func eval[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	return value(t, b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// call calls the browser.
func call[P, R any](t *testing.T, b *tab, command cdp.Command[P, R], params P) {
	t.Helper()
	ctx, cancel := b.limited()
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		t.Fatal(err)
	}
}

// A look is a way of looking at a page.
type look struct {
	width  int64
	scheme string // light or dark
	forced bool   // forced colours
	zoom   float64
	// density is how many pixels of a picture one of the page is; 0 is one.
	density float64
}

func (l look) String() string {
	name := l.scheme
	if l.forced {
		name = "forced"
	}
	if l.zoom > 1 {
		name += "-zoom"
	}
	return name
}

// as makes the tab look that way.
func (b *tab) as(t *testing.T, l look) {
	t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	forced := "none"
	if l.forced {
		forced = "active"
	}
	features = append(features, &emulation.MediaFeature{Name: "forced-colors", Value: forced})
	width := l.width
	if l.zoom > 1 {
		width = int64(float64(width) / l.zoom) // as a browser's zoom does
	}
	call(t, b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: max(1, l.zoom, l.density)})
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}
