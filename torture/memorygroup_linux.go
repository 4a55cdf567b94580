package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memoryGroup is a control group with a limit of memory, of version 1 or 2.
type memoryGroup struct {
	path string
	two  bool
}

// newMemoryGroup makes one. Swap does not help it.
func newMemoryGroup(bytes int64) (*memoryGroup, error) {
	for _, g := range []memoryGroup{
		{path: "/sys/fs/cgroup/memory"},
		{path: "/sys/fs/cgroup", two: true},
		{path: "/sys/fs/cgroup/unified", two: true},
	} {
		if !g.canLimit() {
			continue
		}
		path, err := os.MkdirTemp(g.path, "torture")
		if err != nil {
			return nil, fmt.Errorf("%w: a control group needs root: %w", errUnavailable, err)
		}
		g.path = path
		if err := g.limit(bytes); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", errUnavailable, err), os.Remove(path))
		}
		return &g, nil
	}
	return nil, fmt.Errorf("%w: no control groups with a controller of memory", errUnavailable)
}

// canLimit says whether groups below can have a limit.
func (g *memoryGroup) canLimit() bool {
	if !g.two {
		_, err := os.Stat(filepath.Join(g.path, "memory.limit_in_bytes"))
		return err == nil
	}
	controllers, err := os.ReadFile(filepath.Join(g.path, "cgroup.subtree_control"))
	return err == nil && strings.Contains(string(controllers), "memory")
}

func (g *memoryGroup) limit(bytes int64) error {
	limit := []byte(strconv.FormatInt(bytes, 10))
	if g.two {
		_ = os.WriteFile(filepath.Join(g.path, "memory.swap.max"), []byte("0"), 0o600) // not everywhere
		return os.WriteFile(filepath.Join(g.path, "memory.max"), limit, 0o600)
	}
	_ = os.WriteFile(filepath.Join(g.path, "memory.swappiness"), []byte("0"), 0o600)
	return os.WriteFile(filepath.Join(g.path, "memory.limit_in_bytes"), limit, 0o600)
}

// tracer is a command that runs the command after it in the group, with its own process.
func (g *memoryGroup) tracer() []string {
	return []string{"/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, g.path}
}

// killed is how many processes were killed for want of memory.
func (g *memoryGroup) killed() (processes int64) {
	file := "memory.oom_control"
	if g.two {
		file = "memory.events"
	}
	text, _ := os.ReadFile(filepath.Join(g.path, file))
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), " "); found && name == "oom_kill" {
			processes, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return processes
}

// peak is the most memory that was in use, what the system keeps of files included.
func (g *memoryGroup) peak() int64 {
	file := "memory.max_usage_in_bytes"
	if g.two {
		file = "memory.peak"
	}
	text, _ := os.ReadFile(filepath.Join(g.path, file))
	peak, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return peak
}

// remove removes the group, whose processes have ended and leave it in a moment.
func (g *memoryGroup) remove() (err error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = os.Remove(g.path); err == nil {
			return nil
		}
	}
	return err
}
