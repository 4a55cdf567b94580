//go:build !long

package harnesstest

const isLong = false
