package docs

import (
	"slices"
	"strings"
	"testing"
)

// room is a package, and those below it that are no room of their own. It may
// import the rooms that it names, and those only.
type room struct {
	name   string
	lower  []string
	helper bool // the tests of every room may import it
	tests  bool // nothing but tests, or a program that tests others
}

// rooms are the rooms of the house from the top down: a room knows nothing of
// those above it. One that does not exist yet may have its place already. A new
// package that stands in none of them fails the test: give it a place here first.
var rooms = []room{
	{name: "contract", lower: []string{"service", "harness"}, tests: true},
	{name: "docs", lower: []string{"service", "harness"}, tests: true},
	{name: "deploy", lower: []string{"harness"}, tests: true},
	{name: "client", lower: []string{"service", "harness"}, tests: true},
	{name: "scripts", lower: []string{"harness"}, tests: true},
	{name: "page/browsing", lower: []string{"service", "demo", "httpapi", "harness"}, tests: true},
	{name: "bench", lower: []string{"harness"}, tests: true},
	{name: "torture", lower: []string{"harness"}, tests: true},
	{name: "bench/insight", lower: []string{"insight", "counters"}, tests: true},
	{name: "harness", helper: true},

	{name: "main", lower: []string{"command"}},
	{name: "command", lower: []string{"service", "demo", "backup", "status", "report", "report/endpoint", "insight", "exchange", "httpapi", "httpapi/records", "snapshot", "snapshot/salvage", "visitors", "oddities", "counters", "snapshot/correction", "backup/objectstore"}},
	{name: "service", lower: []string{"cluster", "cluster/member", "cluster/natslog", "service/admin", "page", "backup", "report", "report/endpoint", "httpapi", "httpapi/conn", "httpapi/records", "httpapi/spool", "insight", "snapshot", "idempotency", "visitors", "oddities", "counters", "backup/objectstore", "snapshot/format"}},
	{name: "service/admin"},
	{name: "page", lower: []string{"page/words", "page/draw", "report", "httpapi", "insight", "counters"}},
	{name: "page/words"},
	{name: "page/draw"},
	{name: "demo"},
	{name: "status"},
	{name: "report/endpoint", lower: []string{"report", "insight", "httpapi", "httpapi/records", "counters", "exchange"}},
	{name: "httpapi", lower: []string{"httpapi/conn", "httpapi/spool", "httpapi/records", "insight", "idempotency", "visitors", "oddities", "counters"}},
	{name: "httpapi/conn"},
	{name: "httpapi/spool"},
	{name: "httpapi/records", lower: []string{"counters"}},
	{name: "report", lower: []string{"insight", "visitors", "oddities", "counters", "exchange"}},
	{name: "insight", lower: []string{"counters"}},
	{name: "visitors", lower: []string{"counters"}},
	{name: "oddities", lower: []string{"counters"}},
	{name: "cluster/natslog", lower: []string{"cluster", "cluster/fence"}},
	{name: "cluster/member", lower: []string{"cluster", "idempotency", "snapshot", "snapshot/correction", "snapshot/salvage", "snapshot/format", "counters"}},
	{name: "backup/objectstore", lower: []string{"backup", "snapshot", "snapshot/recovery", "counters"}},
	{name: "backup", lower: []string{"snapshot", "snapshot/salvage", "snapshot/recovery", "snapshot/format", "snapshot/disk", "counters"}},
	{name: "snapshot/salvage", lower: []string{"snapshot", "cluster", "snapshot/recovery", "snapshot/format", "snapshot/disk", "idempotency", "counters"}},
	{name: "snapshot", lower: []string{"snapshot/correction", "snapshot/recovery", "snapshot/format", "snapshot/disk", "cluster", "idempotency", "counters"}},
	{name: "snapshot/correction", lower: []string{"counters"}},
	{name: "snapshot/recovery", lower: []string{"snapshot/format", "snapshot/disk", "cluster", "idempotency", "counters"}},
	{name: "snapshot/format", lower: []string{"cluster", "counters"}},
	{name: "snapshot/disk"},
	{name: "cluster/clustertest", lower: []string{"cluster", "cluster/fence"}, helper: true},
	{name: "cluster/fence", lower: []string{"cluster"}},
	{name: "cluster", lower: []string{"counters"}},
	{name: "idempotency", lower: []string{"counters"}},
	{name: "counters/storetest", lower: []string{"counters"}, helper: true},
	{name: "counters"},
	{name: "exchange"},
}

// roomOf returns the room that a package stands in, and whether there is one.
func roomOf(path string) (found room, ok bool) {
	path = title(path)
	for _, r := range rooms {
		if (path == r.name || strings.HasPrefix(path, r.name+"/")) && len(r.name) > len(found.name) {
			found, ok = r, true
		}
	}
	return found, ok
}

// mayImport says whether the packages of a room may import another package.
func (r room) mayImport(path string) bool {
	other, ok := roomOf(path)
	return ok && (other.name == r.name || slices.Contains(r.lower, other.name))
}

// testsMayImport says the same of its tests: they may also use the helpers of
// tests, and what stands in the same folder.
func (r room) testsMayImport(path string) bool {
	other, _ := roomOf(path)
	folder, _, _ := strings.Cut(r.name, "/")
	return r.mayImport(path) || other.helper || path == folder || strings.HasPrefix(path, folder+"/")
}

func TestEveryPackageStandsInARoom(t *testing.T) {
	for _, p := range listPackages(t) {
		if _, ok := roomOf(p.path); !ok {
			t.Errorf("package %q stands in no room: give it a place in rooms, below all that import it", p.path)
		}
	}
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, p := range listPackages(t) {
		r, _ := roomOf(p.path)
		for _, imported := range p.imports {
			if !r.mayImport(imported) {
				t.Errorf("package %q imports %q: its room may import %q", title(p.path), imported, r.lower)
			}
		}
		for _, imported := range p.testImports {
			if !r.testsMayImport(imported) {
				t.Errorf("the tests of %q import %q: their room may import %q", title(p.path), imported, r.lower)
			}
		}
	}
}

func TestRoomsNameOnlyRoomsBelowThem(t *testing.T) {
	for i, r := range rooms {
		for _, lower := range r.lower {
			if !slices.ContainsFunc(rooms[i+1:], func(other room) bool { return other.name == lower }) {
				t.Errorf("room %q may import %q, which does not stand below it", r.name, lower)
			}
		}
	}
}
