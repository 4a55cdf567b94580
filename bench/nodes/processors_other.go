//go:build !linux

package main

import "errors"

// separated is not known here.
type separated struct{}

func separateProcessors() (*separated, error) { return nil, errors.ErrUnsupported }

func (*separated) forNodes(start func() error) error { return start() }
