package harness

import "syscall"

// bindToParent makes a child die with this process, so that none is left behind, and
// keeps a terminal's signals from it, which are for this process to see.
func bindToParent(attributes *syscall.SysProcAttr) {
	attributes.Pdeathsig = syscall.SIGKILL
	attributes.Setpgid = true
}
