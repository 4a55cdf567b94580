package member_test

import (
	"testing"

	"stats-recorder/harness/harnesstest"
)

// A backup has the import that waits, and the node that it was made of may go on.
func TestAnImportThatWaitsInACopyOfItsDirectoryTooIsCountedOnce(t *testing.T) {
	t.Parallel()
	for name, starts := range map[string]func(one *node, startCopy func() *node){
		"the copy starts first":      func(one *node, startCopy func() *node) { startCopy(); one.start() },
		"the copy starts second":     func(one *node, startCopy func() *node) { one.start(); startCopy() },
		"the copy goes on alone":     func(_ *node, startCopy func() *node) { startCopy() },
		"the copy starts long after": func(one *node, startCopy func() *node) { one.start(); one.makesImport(); startCopy() },
		"the node starts long after": func(one *node, startCopy func() *node) { startCopy().makesImport(); one.start() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, 2)
			one := w.nodes[0]
			records := someMonths("imported", 2)
			one.stopWithImport(records)
			w.counts(records)
			left := t.TempDir()
			copyTree(t, one.keeping.Directory, left)
			starts(one, func() *node { return w.add(func(n *node) { n.keeping.Directory = left }) })
			w.nodes[1].page(2)
			w.agree()
			for _, n := range w.nodes {
				n.endsWaiting()
			}
			w.agree()
		})
	}
}

// endsWaiting waits until no import waits in the node's directory, if it runs.
func (n *node) endsWaiting() {
	n.world.t.Helper()
	harnesstest.Until(n.world.t, "the import waits no more", func() bool {
		n.supervise()
		return n.keeper == nil || !n.waits()
	})
}

// makesImport waits until the import that waits is made, goes on to count, and shares its state.
func (n *node) makesImport() {
	n.world.t.Helper()
	n.endsWaiting()
	n.page(5)
	n.shared()
}
