//go:build !linux

package service

import "runtime"

// giveWay lets the goroutines run that wait for the place of this one.
func giveWay() { runtime.Gosched() }
