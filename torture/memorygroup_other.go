//go:build !linux

package main

import "fmt"

// memoryGroup is a control group with a limit of memory.
type memoryGroup struct{}

func newMemoryGroup(int64) (*memoryGroup, error) {
	return nil, fmt.Errorf("%w: no control groups", errUnavailable)
}

func (*memoryGroup) tracer() []string { return nil }
func (*memoryGroup) killed() int64    { return 0 }
func (*memoryGroup) peak() int64      { return 0 }
func (*memoryGroup) remove() error    { return nil }
