//go:build !linux

package main

import (
	"errors"
	"syscall"
)

func childAttributes() *syscall.SysProcAttr { return nil }

func cutPower(string) error { return errors.ErrUnsupported }

func limitFileSize(int, uint64) error { return errors.ErrUnsupported }
