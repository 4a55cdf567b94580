package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"stats-recorder/harness"
)

const (
	// recordsInADump is few: all are told by one frame.
	recordsInADump = 50
	// firstDump is when the documents of the first dump were made, in seconds since 1970. A dump
	// is of a minute.
	firstDump = 1_700_000_000
)

// counterOfDump is that of a document of a dump, which no other document has.
func counterOfDump(number, i int) harness.Counter {
	return harness.Counter{Benefit: fmt.Sprintf("dump-%d-%d", number, i), Event: "show", Total: recordsInAPost, Index: i%recordsInAPost + 1}
}

// dumped writes a dump to a file, as mongoexport does.
func dumped(path string, number int) error {
	var text strings.Builder
	at := time.Unix(firstDump+int64(number)*60, 0).UTC()
	for i := range recordsInADump {
		c := counterOfDump(number, i)
		fmt.Fprintf(&text, `{"_id":{"$oid":"%08x%016x"},"benefit_id":%q,"hash_id":"h","event_type":%q,"page_total":%d,"benefit_index":%d,"version":2,"created_at":{"$date":%q}}`+"\n",
			at.Unix()+int64(i), i, c.Benefit, c.Event, c.Total, c.Index, at.Format(time.RFC3339))
	}
	return os.WriteFile(path, []byte(text.String()), 0o600)
}

// importDump stops a node, and has a dump imported there while others go on. It may be killed at
// any moment, and a server of the log may be away. Made again, it says that it is counted, by
// whichever of both.
func (w *world) importDump(ctx context.Context) error {
	n, number := w.any(), w.ledger.beginDump()
	path := filepath.Join(w.directory, fmt.Sprintf("dump-%d.json", number))
	if err := errors.Join(dumped(path, number), n.stop()); err != nil {
		return err
	}
	var away []int
	if w.random.IntN(2) == 0 {
		away = append(away, w.random.IntN(len(w.servers.running)))
		if err := w.servers.running[away[0]].Kill(); err != nil {
			return err
		}
	}
	if err := n.killed(w.between(0, 2*time.Second), "import", path); err != nil {
		return err
	}
	if w.random.IntN(2) == 0 { // what waits is made by the node
		if err := errors.Join(n.start(), n.stop()); err != nil {
			return err
		}
	}
	err := again(ctx, func(context.Context) error {
		_, err := n.program("import", path)
		var refused *exec.ExitError
		if errors.As(err, &refused) && strings.Contains(string(refused.Stderr), "imported before") {
			return nil
		}
		if err != nil { // it may have to adopt a state, which an import does not
			err = errors.Join(err, n.start(), n.stop())
		}
		return err
	})
	if err == nil {
		w.ledger.acknowledgeDump(number)
	}
	return errors.Join(err, w.startServers(away...), n.start())
}

// killed runs a command of the recorder's program on the node's directory, and kills it after a
// time, if it still runs then.
func (n *node) killed(after time.Duration, words ...string) error {
	command := n.command(words...)
	if err := command.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(after, func() { _ = command.Process.Kill() }) // it may have ended
	defer timer.Stop()
	var ended *exec.ExitError
	if err := command.Wait(); err != nil && !errors.As(err, &ended) {
		return err
	}
	return nil
}

// beginDump is told before a dump is imported. It returns its number.
func (l *ledger) beginDump() (number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dumps = append(l.dumps, false)
	return len(l.dumps) - 1
}

// acknowledgeDump is told of a dump of which an import says that all of it is counted.
func (l *ledger) acknowledgeDump(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dumps[number] = true
}

// checkDumps holds counts to the ledger, and takes away those of dumps: each is counted once if
// it was acknowledged, and else once or not at all. No disk may cost it, because the log has it.
func (l *ledger) checkDumps(have map[harness.Counter]int64) error {
	for number, isAcknowledged := range l.dumps {
		of := have[counterOfDump(number, 0)]
		for i := range recordsInADump {
			if count := have[counterOfDump(number, i)]; count != of {
				return fmt.Errorf("%w: document 1 of dump %d is counted %d times, document %d %d times", errWrong, number, of, i+1, count)
			}
			delete(have, counterOfDump(number, i))
		}
		if of > 1 || of == 0 && isAcknowledged {
			return fmt.Errorf("%w: dump %d is counted %d times; that its import was acknowledged is %t", errWrong, number, of, isAcknowledged)
		}
	}
	return nil
}
