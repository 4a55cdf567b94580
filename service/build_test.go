package service

import (
	"runtime/debug"
	"testing"

	"stats-recorder/service/admin"
)

const commit = "da93ff766175d0f5b0a7ad3c1f6f2d9f0c6b8f11"

func TestAnArchiveOfTheSourceSaysWhatItIsOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want admin.Build
	}{
		"a commit": {commit + "\n2026-11-26T13:35:00+01:00\n\n",
			admin.Build{Version: "v0.0.0-20261126123500-da93ff766175", Revision: commit, Date: "2026-11-26T12:35:00Z"}},
		"a commit without a tag, in UTC": {commit + "\n2026-11-26T12:35:00Z\n\n",
			admin.Build{Version: "v0.0.0-20261126123500-da93ff766175", Revision: commit, Date: "2026-11-26T12:35:00Z"}},
		"a tag": {commit + "\n2026-11-26T12:35:00Z\nv1.2.3\n",
			admin.Build{Version: "v1.2.3", Revision: commit, Date: "2026-11-26T12:35:00Z"}},
		"a commit after a tag": {commit + "\n2026-11-26T12:35:00Z\nv1.2.3-14-gda93ff766175\n",
			admin.Build{Version: "v1.2.4-0.20261126123500-da93ff766175", Revision: commit, Date: "2026-11-26T12:35:00Z"}},
		"a clone":          {source, admin.Build{}},
		"an empty file":    {"", admin.Build{}},
		"no date":          {commit + "\nyesterday\n\n", admin.Build{}},
		"less than a hash": {"da93\n2026-11-26T12:35:00Z\n\n", admin.Build{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := archived(c.text); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestABuildInACloneSaysItsCommit(t *testing.T) {
	t.Parallel()
	stamps := []debug.BuildSetting{
		{Key: "vcs.revision", Value: commit}, {Key: "vcs.time", Value: "2026-11-26T12:35:00Z"}, {Key: "vcs.modified", Value: "true"},
	}
	got := stamped(&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3+dirty"}, Settings: stamps})
	want := admin.Build{Version: "v1.2.3+dirty", Revision: commit + " (modified)", Date: "2026-11-26T12:35:00Z"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTheGoCommandsWordForNoVersionHidesNone(t *testing.T) {
	t.Parallel()
	nothing := admin.Build{Version: unknown, Revision: unknown}
	known := admin.Build{Version: "v1.2.3", Revision: commit}
	if got := over(nothing, admin.Build{Version: development}); got.Version != development || got.Revision != unknown {
		t.Errorf("over nothing: %+v", got)
	}
	if got := over(known, admin.Build{Version: development}); got != known {
		t.Errorf("over a known version: %+v", got)
	}
}
