package contract

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"stats-recorder/contract/blackbox"
)

// TestControlGroupsOfVersion2AreRead shows the program files as a system with control groups of
// version 2 has them: limits of its own group and of those above it, "max", and none. Whether
// it keeps within them is for `make torture`, on a machine that has such groups.
func TestControlGroupsOfVersion2AreRead(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("another /proc/self/cgroup can be shown to a program by root only")
	}
	unlimited := countersWithin(t, "", "/")
	if unlimited == 0 {
		t.Skip("another /proc/self/cgroup cannot be shown to a program here")
	}
	const service = "/system.slice/stats-recorder.service"
	for name, test := range map[string]struct {
		group  string
		limits map[string]string
		mb     float64 // 0 for all of the machine
	}{
		"that of its own group":                  {service, map[string]string{service: "134217728\n", "/system.slice": "max\n"}, 128},
		"that of the group above":                {service, map[string]string{service: "max\n", "/system.slice": "134217728\n"}, 128},
		"the least of all":                       {service, map[string]string{service: "268435456\n", "/system.slice": "134217728\n", "/": "536870912\n"}, 128},
		"that of a container with its namespace": {"/", map[string]string{"/": "268435456\n"}, 256},
		"none, in words":                         {service, map[string]string{service: "max\n", "/system.slice": "max\n"}, 0},
		"none, without files":                    {service, map[string]string{service: ""}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for group, limit := range test.limits {
				if err := os.MkdirAll(filepath.Join(folder, group), 0o700); err != nil {
					t.Fatal(err)
				}
				if limit == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(folder, group, "memory.max"), []byte(limit), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := countersWithin(t, folder, test.group)
			// A budget of 36 in a hundred of four fifths, less what the program takes, for 56 bytes each.
			least, most := test.mb*(1<<20)*0.8*0.36/56*0.5, test.mb*(1<<20)*0.8*0.36/56
			if test.mb == 0 {
				least, most = unlimited, unlimited
			}
			if got < least || got > most {
				t.Errorf("it allows for %v counters, want %v to %v", got, least, most)
			}
		})
	}
}

// countersWithin is how many counters a server allows for that finds itself in a control group
// below a folder; 0 where it cannot be made to.
func countersWithin(t *testing.T, folder, group string) float64 {
	t.Helper()
	shown := t.TempDir()
	mounts := "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
	if folder != "" {
		mounts += fmt.Sprintf("30 1 0:26 / %s rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n", folder)
	}
	for name, content := range map[string]string{"mountinfo": mounts, "cgroup": "0::" + group + "\n"} {
		if err := os.WriteFile(filepath.Join(shown, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const show = `mount --bind "$0/mountinfo" /proc/$$/mountinfo && mount --bind "$0/cgroup" /proc/$$/cgroup`
	if err := exec.Command("unshare", "--mount", "sh", "-c", show, shown).Run(); err != nil {
		return 0
	}
	command := blackbox.ProgramCommand(t, []string{"DATA_DIR=" + t.TempDir(), "ADMIN_ADDR=127.0.0.1:0"}, nil)
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Fatal(err)
	}
	command.Args = []string{"unshare", "--mount", "sh", "-c", show + ` && exec "$1"`, shown, command.Path}
	command.Path = unshare
	p := blackbox.Launch(t, command).Listening(t)
	defer p.Kill(t)
	return scrape(t, "http://"+p.Await(t, "listening").Text(t, "admin"))[`stats_recorder_limit{setting="MAX_COUNTERS"}`]
}
