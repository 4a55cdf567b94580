package natslog_test

import (
	"testing"

	"stats-recorder/cluster/natslog"
	"stats-recorder/harness/harnesstest"
)

func TestNotesOnAStreamAreReadByAllAndChangeNothingElse(t *testing.T) {
	t.Parallel()
	s := newStream(t, sharedServers(t), 0)
	one, two := open(t, s.options, s.servers.urls()), open(t, s.options, s.servers.urls())
	_, before, err := one.Log.Bounds(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for word, connection := range map[string]*natslog.Connection{"details": one, "more": two} {
		if err := connection.ChangeNote(within(t), word, func(before string) string { return before + word }); err != nil {
			t.Fatal(err)
		}
	}
	harnesstest.Until(t, "both read all notes", func() bool {
		first, err := one.Leader(within(t))
		second, also := two.Leader(within(t))
		has := func(notes map[string]string) bool { return notes["details"] == "details" && notes["more"] == "more" }
		return err == nil && also == nil && has(first.Notes) && has(second.Notes)
	})
	if _, after, err := one.Log.Bounds(within(t)); err != nil || after != before {
		t.Errorf("the log is another one: %v and %v, %v", before, after, err)
	}
	said, err := two.Leader(within(t))
	if err != nil || said.Limit != s.options.MaxBytes || said.Now.IsZero() {
		t.Errorf("%+v, %v", said, err)
	}
}
