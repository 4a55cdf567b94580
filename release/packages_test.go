package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// withPackages makes a machine that has both packages in /trial.
func withPackages(t *testing.T, format, ending string) machine {
	t.Helper()
	m, b := newMachine(t), built(t)
	m.put(t, packageOf(t, b.first, ending), "/trial/first."+format)
	m.put(t, packageOf(t, b.second, ending), "/trial/second."+format)
	return m
}

// startByHand starts the installed server without systemd.
func (m machine) startByHand(t *testing.T) *server {
	t.Helper()
	return serve(t, m.command("exec stats-recorder"), "PATH=/usr/bin:/bin", "DATA_DIR=/var/lib/stats-recorder")
}

func TestADebianPackageIsInstalledUpgradedRemovedAndPurged(t *testing.T) {
	m := withPackages(t, "deb", "_amd64.deb")
	m.run(t, "dpkg --install /trial/first.deb")
	if said := m.run(t, "stats-recorder version"); !strings.HasPrefix(said, "stats-recorder v"+firstVersion+"\n") {
		t.Errorf("the first version says %q", said)
	}
	if said := m.run(t, "dpkg --verify stats-recorder; stat -c '%a %U' "+settingsPath); said != "640 root\n" {
		t.Errorf("the package installs %q", said)
	}
	s := m.startByHand(t)
	s.post(t)
	s.stop(t)
	m.run(t, "echo MAX_BENEFITS=77 >>"+settingsPath)

	// Over the directory of a running server, as on a machine without systemd.
	s = m.startByHand(t)
	s.post(t)
	m.run(t, "dpkg --install /trial/second.deb")
	s.post(t)
	s.stop(t)
	if said := m.run(t, "stats-recorder version"); !strings.HasPrefix(said, "stats-recorder v"+secondVersion+"\n") {
		t.Errorf("after the upgrade it says %q", said)
	}
	if said := m.run(t, "tail -n 1 "+settingsPath); said != "MAX_BENEFITS=77\n" {
		t.Errorf("after the upgrade the settings end with %q", said)
	}
	s = m.startByHand(t)
	s.expectCount(t, 3)
	s.stop(t)

	m.run(t, "dpkg --remove stats-recorder")
	if m.has("/usr/bin/stats-recorder") || m.has("/usr/lib/systemd/system/stats-recorder.service") || !m.has(settingsPath) {
		t.Error("removing leaves the program or takes the settings")
	}
	said := m.run(t, "dpkg --purge stats-recorder")
	if m.has(settingsPath) || m.has("/etc/systemd/system/multi-user.target.wants/stats-recorder.service") {
		t.Error("purging leaves the settings or the links to the units")
	}
	if !m.has("/var/lib/stats-recorder") || !strings.Contains(said, "the counts stay in /var/lib/stats-recorder") {
		t.Errorf("purging takes the counts, or does not say where they are: %s", said)
	}
	if left := m.run(t, "find /etc /usr /var/lib/systemd -name '*stats-recorder*'"); left != "" {
		t.Errorf("purging leaves\n%s", left)
	}

	m.run(t, "dpkg --install /trial/second.deb")
	s = m.startByHand(t)
	s.expectCount(t, 3)
}

func TestAnRPMIsInstalledUpgradedAndErased(t *testing.T) {
	rpm, err := exec.LookPath("rpm")
	if err != nil {
		t.Skip("needs rpm, of the Debian package rpm")
	}
	m := withPackages(t, "rpm", ".x86_64.rpm")
	// Debian's own rpm, on a root whose other packages it does not know.
	do := func(arguments ...string) string {
		t.Helper()
		said, err := output(exec.CommandContext(t.Context(), rpm, append([]string{"--root", m.root, "--nodeps"}, arguments...)...))
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	do("--install", filepath.Join(m.root, "trial/first.rpm"))
	if said := do("--verify", program); said != "" {
		t.Errorf("what is installed differs from the package:\n%s", said)
	}
	s := m.startByHand(t)
	s.post(t)
	s.stop(t)
	m.run(t, "echo MAX_BENEFITS=77 >>"+settingsPath)
	do("--upgrade", filepath.Join(m.root, "trial/second.rpm"))
	if said := m.run(t, "stats-recorder version; tail -n 1 "+settingsPath); !strings.HasPrefix(said, "stats-recorder v"+secondVersion+"\n") ||
		!strings.HasSuffix(said, "MAX_BENEFITS=77\n") {
		t.Errorf("after the upgrade: %q", said)
	}
	s = m.startByHand(t)
	s.expectCount(t, 1)
	s.stop(t)
	do("--erase", program)
	if m.has("/usr/bin/stats-recorder") || !m.has("/var/lib/stats-recorder") || !m.has(settingsPath+".rpmsave") {
		t.Error("erasing leaves the program, or takes the counts or changed settings")
	}
}

// TestTheUnitsWorkUnderSystemd boots a machine that installs the package, moves
// the server's address, upgrades under load, removes and purges; see the script.
func TestTheUnitsWorkUnderSystemd(t *testing.T) {
	nspawn, err := exec.LookPath("systemd-nspawn")
	if err != nil {
		t.Skip("needs systemd-nspawn, of the Debian package systemd-container")
	}
	m := withPackages(t, "deb", "_amd64.deb")
	m.put(t, "testdata/trial.sh", "/trial/trial.sh")
	m.put(t, "testdata/trial.service", "/etc/systemd/system/trial.service")
	m.run(t, "ln -s /etc/systemd/system/trial.service /etc/systemd/system/multi-user.target.wants/; rm -f /etc/machine-id")
	command := exec.CommandContext(t.Context(), nspawn, "--quiet", "--register=no", "--keep-unit", "--private-network", "--boot",
		"--console=pipe", "--directory", m.root)
	booted, err := command.CombinedOutput()
	said, readErr := os.ReadFile(filepath.Join(m.root, "trial", "output"))
	if readErr != nil {
		t.Skipf("this machine cannot boot another one: %v\n%s", err, booted)
	}
	if !strings.HasSuffix(string(said), "\nall is well\n") {
		t.Errorf("the trial ends early:\n%s", said)
	}
	t.Logf("%s", said)
}

func TestLintianFindsNoFault(t *testing.T) {
	lintian, err := exec.LookPath("lintian")
	if err != nil {
		t.Skip("needs lintian, of the Debian package lintian")
	}
	command := exec.CommandContext(t.Context(), lintian, "--allow-root", "--fail-on=error,warning", packageOf(t, built(t).second, "_amd64.deb"))
	if said, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestScriptsOfPackagesAreSound(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("needs shellcheck, of the Debian package shellcheck")
	}
	scripts, err := filepath.Glob("scripts/*")
	if err != nil || len(scripts) != 6 {
		t.Fatalf("the scripts are %q, %v", scripts, err)
	}
	if said, err := output(exec.CommandContext(t.Context(), shellcheck, append(scripts, "testdata/trial.sh")...)); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
