//go:build !linux

package main

import "time"

// pulse wakes one goroutine at an interval.
type pulse struct{ ticker *time.Ticker }

// newPulse returns a pulse that must be stopped.
func newPulse(interval time.Duration) (*pulse, error) {
	return &pulse{ticker: time.NewTicker(interval)}, nil
}

// await returns at the next beat, or at once if there was one since the last call.
func (p *pulse) await() { <-p.ticker.C }

func (p *pulse) stop() { p.ticker.Stop() }
