package importer

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	barInterval  = 200 * time.Millisecond
	lineInterval = 10 * time.Second
)

// progress knows how much was read, and tells it while the reading lasts.
type progress struct {
	output    io.Writer // nil: tell nothing
	total     int64     // bytes as they are stored, or unknownSize
	bytes     atomic.Int64
	documents atomic.Uint64
	start     time.Time
}

func newProgress(output io.Writer, inputs []input) *progress {
	made := &progress{output: output}
	for _, in := range inputs {
		if in.size == unknownSize {
			made.total = unknownSize
			return made
		}
		made.total += in.size
	}
	return made
}

// counting counts the bytes that are read from a reader.
func (p *progress) counting(reader io.Reader) io.Reader { return &countingReader{reader, &p.bytes} }

type countingReader struct {
	io.Reader
	bytes *atomic.Int64
}

// Read reads, and counts the bytes.
func (r *countingReader) Read(into []byte) (int, error) {
	n, err := r.Reader.Read(into)
	r.bytes.Add(int64(n))
	return n, err
}

// show tells the progress now and then until the returned function is called.
func (p *progress) show() (stop func()) {
	if p.output == nil {
		return func() {}
	}
	p.start = time.Now()
	interval, update, finish := lineInterval, p.line, func() {}
	if file, ok := p.output.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		bar := p.newBar()
		interval, update = barInterval, func() { p.updateBar(bar) }
		finish = func() { _ = bar.Finish() } // a display that fails is no reason to stop
	}
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				update()
			}
		}
	})
	return func() {
		close(done)
		shown.Wait()
		finish()
	}
}

func (p *progress) newBar() *progressbar.ProgressBar {
	return progressbar.NewOptions64(p.total, // -1 is unknown for it, too
		progressbar.OptionSetWriter(p.output),
		progressbar.OptionSetWidth(20),
		progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionClearOnFinish(),
	)
}

func (p *progress) updateBar(bar *progressbar.ProgressBar) {
	bar.Describe(p.rate())
	read := p.bytes.Load()
	if p.total > 0 {
		read = min(read, p.total-1) // a full bar would be finished, and the last documents are not
	}
	_ = bar.Set64(read)
}

// line tells the progress where there is no terminal.
func (p *progress) line() {
	read := p.bytes.Load()
	text := fmt.Sprintf("%d MB read, %s", read/1e6, p.rate())
	if p.total > 0 && read > 0 {
		left := time.Duration(float64(time.Since(p.start)) * float64(p.total-read) / float64(read))
		text = fmt.Sprintf("%d %% of %d MB read, %s, %v left", 100*read/p.total, p.total/1e6, p.rate(), left.Round(time.Second))
	}
	fmt.Fprintln(p.output, text)
}

// rate is how many documents were read, and how many that is a second.
func (p *progress) rate() string {
	documents := p.documents.Load()
	perSecond := float64(documents) / max(time.Since(p.start).Seconds(), 1e-3)
	return fmt.Sprintf("documents: %d, %.0f/s", documents, perSecond)
}
