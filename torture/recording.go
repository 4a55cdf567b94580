package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A change is what a server did to its directory, or had made durable.
type change struct {
	begin, end time.Time
	kind       changeKind
	// path is that of the file at that moment, and to where it goes.
	path, to string
	data     []byte
	offset   int64
	length   int64
	// inode tells files apart, whatever they are called.
	inode int
}

type changeKind int

const (
	written changeKind = iota
	extended
	cut
	synced
	created
	renamed
	linked
	unlinked
)

// recordedCalls are all calls by which a server changes its directory. Journals and
// snapshots are written by their offset.
const recordedCalls = "openat,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat"

// recorderOptions are strace's arguments before the command to run: all data, in hexadecimal
// digits, and when each call began and how long it took.
func recorderOptions(log string) []string {
	return []string{"-D", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "16777216", "-ttt", "-T", "-o", log, "-e", "trace=" + recordedCalls}
}

// readRecording reads what strace has recorded of a directory, in the order in which the
// calls ended.
func readRecording(log, directory string) (changes []change, err error) {
	file, err := os.Open(log)
	if err != nil {
		return nil, fmt.Errorf("read the recording: %w", err)
	}
	defer file.Close()
	pending := map[string]string{} // by thread, the beginning of its call
	for reader := bufio.NewReader(file); ; {
		line, err := reader.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read the recording: %w", err)
		}
		thread, line, _ := strings.Cut(strings.TrimSpace(line), " ")
		if begun, found := strings.CutSuffix(line, " <unfinished ...>"); found {
			pending[thread] = begun
			continue
		}
		if c, ok := parseChange(line, pending, thread); ok && strings.HasPrefix(c.path, directory) {
			changes = append(changes, c)
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.end.Compare(b.end) })
	return changes, giveInodes(changes)
}

// parseChange reads a line of strace, of a call that ended.
func parseChange(line string, pending map[string]string, thread string) (c change, ok bool) {
	stamp, call, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
	c.begin = parseStamp(stamp)
	call, outcome, returned := cutLast(call, ") = ")
	if !returned || strings.HasPrefix(outcome, "-1") || strings.HasPrefix(outcome, "?") {
		return c, false
	}
	_, took, _ := cutLast(outcome, "<")
	c.end = c.begin.Add(parseSeconds(strings.TrimSuffix(took, ">")))
	if strings.HasPrefix(call, "<... ") {
		c.end = c.begin // of the line that says that it ended
		stamp, call, _ = strings.Cut(strings.TrimLeft(pending[thread], " "), " ")
		c.begin = parseStamp(stamp)
	}
	name, arguments, _ := strings.Cut(call, "(")
	return c, c.fill(name, strings.Split(strings.TrimSuffix(arguments, ")"), ", "))
}

// fill says what a call was. It returns false for one that changes nothing.
func (c *change) fill(name string, arguments []string) bool {
	last := arguments[len(arguments)-1]
	c.path = pathOf(arguments[0])
	switch name {
	case "openat":
		c.kind, c.path = created, textOf(arguments[1])
		return strings.Contains(arguments[2], "O_CREAT")
	case "pwrite64":
		c.data, c.offset = []byte(textOf(arguments[1])), number(last)
		c.length = int64(len(c.data))
	case "pwritev":
		c.offset, c.length = number(last), number(strings.Trim(strings.TrimPrefix(arguments[2], "iov_len="), "}]"))
		c.data = make([]byte, c.length) // they are zeros ahead of a journal
	case "fallocate":
		c.kind, c.offset, c.length = extended, number(arguments[2]), number(last)
	case "ftruncate":
		c.kind, c.length = cut, number(last)
	case "fsync", "fdatasync":
		c.kind = synced
	case "rename", "link":
		c.kind, c.path, c.to = renamed, textOf(arguments[0]), textOf(arguments[1])
	case "renameat", "renameat2", "linkat":
		c.kind, c.path, c.to = renamed, textOf(arguments[1]), textOf(arguments[3])
	case "unlink":
		c.kind, c.path = unlinked, textOf(arguments[0])
	case "unlinkat":
		c.kind, c.path = unlinked, textOf(arguments[1])
	default:
		return false
	}
	if strings.HasPrefix(name, "link") {
		c.kind = linked
	}
	return true
}

// giveInodes says of each change which file it is of. A directory is one that has no name of
// its own here.
func giveInodes(changes []change) error {
	const directory = -1
	names, next := map[string]int{}, 1
	for i := range changes {
		c := &changes[i]
		inode, known := names[c.path]
		switch {
		case c.kind == created && !known:
			inode, next = next, next+1
			names[c.path] = inode
		case c.kind == renamed:
			names[c.to] = inode
			delete(names, c.path)
		case c.kind == linked:
			names[c.to] = inode
		case c.kind == unlinked:
			delete(names, c.path)
		case !known && c.kind == synced:
			inode = directory
		case !known:
			return fmt.Errorf("%w: %q was changed, and nobody made it", errBreach, c.path)
		}
		c.inode = inode
	}
	return nil
}

// pathOf is the path of a descriptor, such as 7</data/journal>.
func pathOf(descriptor string) string {
	_, path, _ := strings.Cut(descriptor, "<")
	path, _, _ = strings.Cut(path, ">")
	return unhex(path)
}

// textOf is a string in double quotes.
func textOf(quoted string) string {
	return filepath.ToSlash(unhex(strings.Trim(quoted, `"`)))
}

func unhex(text string) string {
	decoded, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	if err != nil {
		return text
	}
	return string(decoded)
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

func parseStamp(text string) time.Time {
	seconds, fraction, _ := strings.Cut(text, ".")
	return time.Unix(number(seconds), number(fraction)*int64(time.Microsecond))
}

func parseSeconds(text string) time.Duration {
	took, _ := time.ParseDuration(text + "s")
	return took
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}
