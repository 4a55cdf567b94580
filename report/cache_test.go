package report

import (
	"context"
	"errors"
	"testing"
)

func TestACacheKeepsWhatWasUsedLastWithinItsBytes(t *testing.T) {
	t.Parallel()
	c := cache{limit: 100}
	has := func(key string) bool { _, found := c.get(key); return found }
	c.put("a", 1, 40)
	c.put("b", 2, 40)
	has("a")
	c.put("c", 3, 40)
	if !has("a") || has("b") || !has("c") || c.size != 80 {
		t.Errorf("after a third, b is there or %d bytes are not 80", c.size)
	}
	c.put("a", 4, 70)
	if value, _ := c.get("a"); value != 4 || has("c") || c.size != 70 {
		t.Errorf("a larger a is %v among %d bytes", value, c.size)
	}
	c.put("a", 5, 101)
	c.put("d", 6, 101)
	if has("a") || has("d") || c.size != 0 {
		t.Errorf("what is larger than the cache is kept, or what was before it: %d bytes", c.size)
	}
}

func TestWhoCannotWaitForAnotherFitIsTold(t *testing.T) {
	t.Parallel()
	r := New(Options{})
	ctx, cancel := context.WithCancel(t.Context())
	nothing, done := func() bool { return false }, func(uint64) error { return nil }
	err := r.alone(ctx, at(1), nothing, func(uint64) error {
		cancel()
		return r.alone(ctx, at(1), nothing, done)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the context has ended", err)
	}
	if err := r.alone(t.Context(), at(1), nothing, done); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
