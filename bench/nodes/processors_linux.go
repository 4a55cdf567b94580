package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// errOneProcessor means that the two nodes cannot have a processor to themselves.
var errOneProcessor = errors.New("there is one processor only: it takes two")

// separated are two sets of one processor each.
type separated struct{ nodes, rest unix.CPUSet }

// separateProcessors leaves the first processor to the nodes that are measured. This process
// and what it starts have the last one.
func separateProcessors() (*separated, error) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, os.NewSyscallError("sched_getaffinity", err)
	}
	var numbers []int
	for number := range len(all) * strconv.IntSize {
		if all.IsSet(number) {
			numbers = append(numbers, number)
		}
	}
	if len(numbers) < 2 {
		return nil, errOneProcessor
	}
	s := &separated{}
	s.nodes.Set(numbers[0])
	s.rest.Set(numbers[len(numbers)-1])
	runtime.GOMAXPROCS(1)
	return s, s.moveThreads()
}

// moveThreads has all threads of this process run where the rest does. Those that come have
// it from those that are there.
func (s *separated) moveThreads() error {
	for moved := -1; ; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		if len(threads) == moved {
			return nil
		}
		for _, thread := range threads {
			number, err := strconv.Atoi(thread.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(number, &s.rest); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("thread %d: %w", number, os.NewSyscallError("sched_setaffinity", err))
			}
		}
		moved = len(threads)
	}
}

// forNodes has what start starts run where the nodes do.
func (s *separated) forNodes(start func() error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, &s.nodes); err != nil {
		return os.NewSyscallError("sched_setaffinity", err)
	}
	defer func() {
		err = errors.Join(err, os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(0, &s.rest)))
	}()
	return start()
}
