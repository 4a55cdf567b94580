package harnesstest

// Scale is how much of something a heavy test does: a short form in go test ./..., the
// long one when the tests are built with the tag long, as make attack and make torture
// do.
func Scale(short, long int) int {
	if isLong {
		return long
	}
	return short
}
