package member_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/salvage"
)

// repaired repairs the directory of a node that does not run.
func (n *node) repaired() salvage.Repaired {
	n.world.t.Helper()
	repaired, err := salvage.Repair(n.keeping.Directory, counters.BuiltInKinds(), []string{"show"}, time.Now())
	if err != nil {
		n.world.t.Fatal(err)
	}
	return repaired
}

// last is the last file of a directory whose name begins so.
func (n *node) last(prefix string) string {
	n.world.t.Helper()
	paths, err := filepath.Glob(filepath.Join(n.keeping.Directory, prefix+"*"))
	if err != nil || len(paths) == 0 {
		n.world.t.Fatalf("%d files %s*: %v", len(paths), prefix, err)
	}
	return paths[len(paths)-1]
}

func TestARepairedDirectoryStaysOneOfItsNodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage    func(*node)
		mustAdopt bool
	}{
		"nothing that was counted is lost": {damage: func(*node) {}},
		"commits are lost": {mustAdopt: true, damage: func(n *node) {
			path := n.last("journal-")
			content, err := os.ReadFile(path)
			if err != nil {
				n.world.t.Fatal(err)
			}
			content[len(content)/3] ^= 1
			if err := os.WriteFile(path, content, 0o640); err != nil {
				n.world.t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			one, two := w.add(), w.add()
			one.page(3)
			two.page(4)
			w.agree()
			one.page(5)
			w.agree()
			one.shared()
			two.shared()
			before := one.keeper.Membership().Origin
			one.kill()
			c.damage(one)
			if repaired := one.repaired(); repaired.MustAdopt != c.mustAdopt {
				t.Errorf("must adopt: %t, want %t: %q", repaired.MustAdopt, c.mustAdopt, repaired.Dropped)
			}
			one.start()
			if now := one.keeper.Membership().Origin; !c.mustAdopt && now != before {
				t.Errorf("it counts under %s, want %s as before", now, before)
			}
			one.page(7)
			w.agree()
			if events := storetest.Events(two.keeper.Store()); events != 19 {
				t.Errorf("the other node has %d events, want 19", events)
			}
		})
	}
}
