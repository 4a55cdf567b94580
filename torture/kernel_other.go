//go:build !linux

package main

import (
	"errors"
)

func cutPower(string) error { return errors.ErrUnsupported }

func residentBytes(int) (int64, error) { return 0, errors.ErrUnsupported }

func limitFileSize(int, uint64) error { return errors.ErrUnsupported }
