//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

func alone(*exec.Cmd) error { return errors.ErrUnsupported }

func fill(string) (func() error, error) { return nil, errors.ErrUnsupported }
