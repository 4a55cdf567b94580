package natslog_test

import (
	"slices"
	"testing"

	"stats-recorder/harness/harnesstest"
)

func TestWordsOnAStreamAreReadByAllAndChangeNothingElse(t *testing.T) {
	t.Parallel()
	s := newStream(t, sharedServers(t), 0)
	one, two := open(t, s.options, s.servers.urls()), open(t, s.options, s.servers.urls())
	_, before, err := one.Log.Bounds(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := one.AddWords(within(t), []string{"details", "more"}); err != nil {
		t.Fatal(err)
	}
	if err := two.AddWords(within(t), []string{"form"}); err != nil {
		t.Fatal(err)
	}
	harnesstest.Until(t, "both read all words", func() bool {
		first, err := one.Leader(within(t))
		second, also := two.Leader(within(t))
		want := []string{"details", "more", "form"}
		return err == nil && also == nil && slices.Equal(first.Words, want) && slices.Equal(second.Words, want)
	})
	if _, after, err := one.Log.Bounds(within(t)); err != nil || after != before {
		t.Errorf("the log is another one: %v and %v, %v", before, after, err)
	}
	said, err := two.Leader(within(t))
	if err != nil || said.Limit != s.options.MaxBytes || said.Now.IsZero() {
		t.Errorf("%+v, %v", said, err)
	}
}
