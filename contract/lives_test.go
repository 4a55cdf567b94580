package contract

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

func TestTheLogSaysWhatWasLoadedAndThatTheServerStopped(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, nil)
	expectLoaded(t, p, directory, "", 0, 0, 0)
	p.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.RecordOf("RSA"), blackbox.RecordOf("APL"), blackbox.Record(blackbox.Fields{"event_type": `"link"`})))
	p.Kill(t)

	p = blackbox.StartProgram(t, directory, nil)
	expectLoaded(t, p, directory, "", 1, 2, 6) // of positions and of hours
	p.Terminate(t)
	expectStopped(t, p)

	p = blackbox.StartProgram(t, directory, nil)
	expectLoaded(t, p, directory, "snapshot-*", 0, 2, 6)
	p.Terminate(t)
	expectStopped(t, p)
}

func TestTheLogSaysThatRecordsAreFarAway(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, []string{"MAX_EVENT_AGE=0"})
	p.Created(t, blackbox.Record(blackbox.Fields{"created_at": `"1970-01-02"`}))
	p.Terminate(t)
	p = blackbox.StartProgram(t, directory, nil)
	line := p.Await(t, "there are records of days far from today: a timeline without a window leaves out what is beyond its steps")
	if first, last := line.Text(t, "first_day"), line.Text(t, "last_day"); first != "1970-01-02" || last != first {
		t.Errorf("the days are %s and %s", first, last)
	}
}

// expectLoaded requires the first line of the log to say what was recovered.
func expectLoaded(t *testing.T, p *blackbox.Program, directory, snapshot string, frames, benefits, counters int) {
	t.Helper()
	lines := blackbox.Logged(p.Process)
	line := lines[0]
	for name, want := range map[string]any{
		"level": "INFO", "msg": "listening", "address": p.Address, "data_dir": directory,
		"journal_frames": float64(frames), "benefits": float64(benefits), "counters": float64(counters),
	} {
		if line[name] != want {
			t.Errorf("%q is %v in the first line, want %v:\n%s", name, line[name], want, p.Log)
		}
	}
	loaded := line.Text(t, "snapshot")
	if snapshot == "" {
		if _, aged := line["age"]; aged || loaded != "" {
			t.Errorf("the first line tells of a snapshot that is not there: %v", line)
		}
		return
	}
	if matches, _ := filepath.Match(filepath.Join(directory, snapshot), loaded); !matches {
		t.Errorf("the snapshot is %q, want %q", loaded, snapshot)
	}
	if age, err := time.ParseDuration(line.Text(t, "age")); err != nil || age < 0 || age > time.Minute {
		t.Errorf("the age of a snapshot that was just written is %v", line["age"])
	}
}

// expectStopped requires the log of a life without trouble: one line when it
// listens, at the beginning, one when it has stopped, at the end.
func expectStopped(t *testing.T, p *blackbox.Program) {
	t.Helper()
	lines := blackbox.Logged(p.Process)
	counts := make(map[any]int)
	for _, line := range lines {
		counts[line["msg"]]++
		if _, err := time.Parse(time.RFC3339Nano, line.Text(t, "time")); err != nil || line["level"] != "INFO" {
			t.Errorf("the log has the line %v (%v)", line, err)
		}
	}
	if last := lines[len(lines)-1]["msg"]; counts["listening"] != 1 || counts["stopped"] != 1 || last != "stopped" {
		t.Errorf("want one line when it listens, and one when it has stopped, the last:\n%s", p.Log)
	}
}

// TestASecondSignalEndsAStoppingServerAtOnce holds a stopping server up with a
// request that never becomes whole.
func TestASecondSignalEndsAStoppingServerAtOnce(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, []string{"LOG_LEVEL=debug"})
	p.Created(t, blackbox.Times(5, blackbox.RecordOf("RSA")))
	connection, err := net.DialTimeout("tcp", p.Address, blackbox.Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	p.Get(t, "/benefits") // by now the other connection has been accepted
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.Await(t, "stopping")
	if ending := insist(t, p, syscall.SIGTERM); ending.Signal == 0 {
		t.Errorf("after the second signal: %v:\n%s", ending, p.Log)
	}
	blackbox.StartProgram(t, directory, nil).ExpectTotal(t, "RSA", 5)
}

// insist repeats a signal until the process has ended: the server may log that
// it stops a moment before it is ready for the second signal.
func insist(t *testing.T, p *blackbox.Program, signal os.Signal) harness.Ending {
	t.Helper()
	harnesstest.Until(t, "the end of the process", func() bool { return errors.Is(p.Signal(signal), harness.ErrEnded) })
	return p.End(t, signal)
}

// TestSwitchingTheDurabilityInEveryOrderKeepsEverything has each pair of modes
// follow each other. A life with "always" is killed, the others are told to stop.
func TestSwitchingTheDurabilityInEveryOrderKeepsEverything(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	book := blackbox.NewLedger()
	for life, durability := range []string{
		"always", "always", "everysec", "everysec", "snapshot", "snapshot", "always", "snapshot", "everysec", "always",
	} {
		p := blackbox.StartProgram(t, directory, []string{"DURABILITY=" + durability, "SNAPSHOT_INTERVAL=1h"})
		book.Expect(t, p.Server, 1, 2)
		for batch := range 3 {
			book.Post(t, p.Server, blackbox.Counter{Benefit: "always there", Event: "show", Version: 2, Total: 30, Index: 1 + batch},
				blackbox.Counter{Benefit: fmt.Sprint("of life ", life), Event: "link", Version: 1, Total: 1 + batch, Index: 1}, blackbox.Counter{Benefit: fmt.Sprint("of life ", life), Event: "show", Version: 2, Total: 1, Index: 1})
		}
		book.Expect(t, p.Server, 1, 2)
		if durability == "always" {
			p.Kill(t)
		} else {
			p.Terminate(t)
			expectStopped(t, p)
		}
	}
	book.Expect(t, blackbox.StartProgram(t, directory, nil).Server, 1, 2)
}

// TestEverySecondIsInTheJournalSoon ends a life with SIGKILL once the journal
// has grown: from then on a crash of the process costs nothing.
func TestEverySecondIsInTheJournalSoon(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, []string{"DURABILITY=everysec"})
	journal := filepath.Join(directory, "journal-0000000000000001")
	p.Created(t, blackbox.Times(7, blackbox.RecordOf("RSA")))
	deadline := time.Now().Add(blackbox.Patience)
	for len(framesOf(t, journal)) == 0 {
		if time.Now().After(deadline) {
			t.Fatalf("the journal has no frame after %v", blackbox.Patience)
		}
		p.ExpectTotal(t, "RSA", 7)
	}
	p.Kill(t)
	blackbox.StartProgram(t, directory, nil).ExpectTotal(t, "RSA", 7)
}

// span is where something lies in a file.
type span struct{ start, end int }

const (
	journalHeaderBytes = 48
	frameHeaderBytes   = 36
)

// framesOf are the frames of a journal file, by its documented format.
func framesOf(t testing.TB, path string) (frames []span) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for start := journalHeaderBytes; start+frameHeaderBytes <= len(content); {
		end := start + frameHeaderBytes + int(binary.LittleEndian.Uint32(content[start:]))
		if end > len(content) || !frameIsWhole(content[start:end]) {
			break
		}
		frames = append(frames, span{start, end})
		start = end
	}
	return frames
}

func frameIsWhole(frame []byte) bool {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(crc32.Checksum(frame[:4], table), table, frame[8:])
	return len(frame) > frameHeaderBytes && sum == binary.LittleEndian.Uint32(frame[4:])
}
