//go:build !linux

package harness

import "syscall"

// bindToParent keeps a terminal's signals from a child, which are for this process to
// see. Only Linux ends a child with its parent.
func bindToParent(attributes *syscall.SysProcAttr) { attributes.Setpgid = true }
