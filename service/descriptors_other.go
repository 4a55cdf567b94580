//go:build !unix

package service

// maxDescriptors is how many files and connections the process may have open.
func maxDescriptors() (n uint64, known bool) { return 0, false }
