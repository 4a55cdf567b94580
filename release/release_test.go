package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// make release-test sets these.
var (
	targets = flag.String("platforms", here, "platforms to build for; all if empty")
	cold    = flag.Bool("cold", false, "build a second time with an empty cache")
)

// here is the platform that packages are tried on.
const here = "linux/amd64"

const (
	firstVersion  = "0.1.0"
	secondVersion = "0.2.0"
)

// builds are two releases of a repository that holds the files of the work tree.
type builds struct {
	repository    string
	first, second string // directories of the results
}

// TestMain removes what was built.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	os.RemoveAll(workplace())
	os.Exit(code)
}

var workplace = sync.OnceValue(func() string {
	directory, err := os.MkdirTemp("", "stats-recorder-release-test-")
	if err != nil {
		panic(err)
	}
	return directory
})

// built returns the two releases, which the first call builds.
func built(t *testing.T) builds {
	t.Helper()
	b, err := buildBoth()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var buildBoth = sync.OnceValues(func() (builds, error) {
	b := builds{
		repository: filepath.Join(workplace(), "repository"),
		first:      filepath.Join(workplace(), "first"), second: filepath.Join(workplace(), "second"),
	}
	if err := copyWorkTree(b.repository); err != nil {
		return b, err
	}
	if err := git(b.repository, "init", "-q", "-b", "main"); err != nil {
		return b, err
	}
	for _, version := range []string{firstVersion, secondVersion} {
		directory := b.first
		if version == secondVersion {
			directory = b.second
		}
		if err := errors.Join(
			git(b.repository, "add", "--all"),
			git(b.repository, "commit", "-q", "--allow-empty", "-m", version),
			git(b.repository, "tag", "v"+version),
		); err != nil {
			return b, err
		}
		platforms := here
		if version == secondVersion {
			platforms = *targets
		}
		if err := run(context.Background(), []string{"-source", b.repository, "-output", directory, "-platforms", platforms}); err != nil {
			return b, err
		}
	}
	return b, nil
})

// git runs git as somebody, at a fixed time.
func git(directory string, arguments ...string) error {
	command := exec.Command("git", append([]string{"-C", directory, "-c", "user.name=a", "-c", "user.email=a@example.org"}, arguments...)...)
	command.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2026-11-26T13:35:00+01:00", "GIT_COMMITTER_DATE=2026-11-26T13:35:00+01:00")
	_, err := output(command)
	return err
}

// copyWorkTree copies all files that git knows or would add.
func copyWorkTree(to string) error {
	listed, err := output(exec.Command("git", "-C", "..", "ls-files", "--cached", "--others", "--exclude-standard", "-z"))
	if err != nil {
		return err
	}
	for _, name := range strings.Split(strings.TrimSuffix(listed, "\x00"), "\x00") {
		from, path := filepath.Join("..", name), filepath.Join(to, name)
		content, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not committed yet
		}
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, modeOf(from)); err != nil {
			return err
		}
	}
	return nil
}

func TestACloneAndAnArchiveOfACommitGiveTheSameBytes(t *testing.T) {
	b := built(t)
	unpacked, again := filepath.Join(t.TempDir(), "elsewhere"), filepath.Join(t.TempDir(), "again")
	archive, err := output(exec.Command("git", "-C", b.repository, "archive", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	if err := unpack(archive, unpacked); err != nil {
		t.Fatal(err)
	}
	if *cold {
		t.Setenv("GOCACHE", t.TempDir())
	}
	if err := run(t.Context(), []string{"-source", unpacked, "-output", again, "-platforms", here}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(again)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == checksums && *targets != here {
			continue // of fewer platforms
		}
		one, two := read(t, filepath.Join(b.second, e.Name())), read(t, filepath.Join(again, e.Name()))
		if !bytes.Equal(one, two) {
			t.Errorf("%s has %d bytes from a clone and %d others from an archive", e.Name(), len(one), len(two))
		}
	}
	if len(entries) != 5 {
		t.Errorf("a release for one platform of Linux is %v: want an archive, two packages, a bill of materials and the checksums", entries)
	}
}

func TestTheChecksumsAreThoseOfTheFiles(t *testing.T) {
	command := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "--quiet", checksums)
	command.Dir = built(t).second
	if said, err := output(command); err != nil {
		t.Error(err, said)
	}
}

func TestAnArchiveHasAllThatInstallingByHandTakes(t *testing.T) {
	files := unpackRelease(t, "linux_amd64")
	for _, name := range []string{
		"stats-recorder", "LICENSE", "README.md", "THIRD_PARTY_NOTICES", "sbom.cdx.json", "man/stats-recorder.1", "man/stats-recorder.conf.5",
		"completion/stats-recorder.bash", "completion/stats-recorder.zsh", "completion/stats-recorder.fish", "client/recorder.js",
		"deploy/stats-recorder.conf", "deploy/stats-recorder.service", "deploy/stats-recorder.socket", "deploy/stats-recorder-generator",
	} {
		if _, err := os.Stat(filepath.Join(files, name)); err != nil {
			t.Error(err)
		}
	}
	said, err := output(exec.CommandContext(t.Context(), filepath.Join(files, program), "version"))
	if err != nil {
		t.Fatal(err)
	}
	revision, err := output(exec.CommandContext(t.Context(), "git", "-C", built(t).repository, "rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "stats-recorder v" + secondVersion + "\nrevision " + revision + "date 2026-11-26T12:35:00Z\ngo1."; !strings.HasPrefix(said, want) {
		t.Errorf("the binary of the archive says %q, want %q", said, want)
	}
}

func TestTheBillOfMaterialsNamesEveryModuleAndItsLicence(t *testing.T) {
	files := unpackRelease(t, "linux_amd64")
	var bill struct {
		BomFormat  string
		Components []struct {
			Name, Version, PURL string
			Licenses            []struct{ License struct{ ID string } }
		}
	}
	if err := json.Unmarshal(read(t, filepath.Join(files, "sbom.cdx.json")), &bill); err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, c := range bill.Components {
		named = append(named, c.Name+" "+c.Version)
		if len(c.Licenses) == 0 || c.Licenses[0].License.ID == "" || !strings.HasPrefix(c.PURL, "pkg:golang/") {
			t.Errorf("%s has no licence or no address: %+v", c.Name, c)
		}
	}
	linked, err := output(exec.CommandContext(t.Context(), "go", "version", "-m", filepath.Join(files, program)))
	if err != nil {
		t.Fatal(err)
	}
	notices := string(read(t, filepath.Join(files, "THIRD_PARTY_NOTICES")))
	for line := range strings.Lines(linked) {
		words := strings.Fields(line)
		if words[0] != "dep" {
			continue
		}
		if !slices.Contains(named, words[1]+" "+words[2]) {
			t.Errorf("the bill of materials has no %s", words[1])
		}
		if !strings.Contains(notices, "\n- "+words[1]+" "+words[2]+": ") {
			t.Errorf("the notices have no %s", words[1])
		}
	}
	if bill.BomFormat != "CycloneDX" || !slices.ContainsFunc(named, func(name string) bool { return strings.HasPrefix(name, "std go1.") }) {
		t.Errorf("%s names %q", bill.BomFormat, named)
	}
}

func TestAPlatformThatThereIsNotIsRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"": len(platforms), "linux/amd64": 1, "linux/armv7, darwin/arm64": 2} {
		if found, err := parsePlatforms(name); err != nil || len(found) != want {
			t.Errorf("%q is %v, %v", name, found, err)
		}
	}
	for _, name := range []string{"windows/amd64", "linux", "linux/arm"} {
		if _, err := parsePlatforms(name); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAMaintainerHasANameAndAnAddress(t *testing.T) {
	t.Parallel()
	for _, text := range []string{nobody, "Équipe <equipe@example.org>", `"A. B." <a@example.org>`} {
		if err := checkMaintainer(text); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"", "a@example.org", "stats-recorder contributors", "a <b"} {
		if err := checkMaintainer(text); !errors.Is(err, errMaintainer) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// unpackRelease unpacks the archive of the second release for a platform.
func unpackRelease(t *testing.T, target string) string {
	t.Helper()
	top := fmt.Sprintf("%s_%s_%s", program, secondVersion, target)
	compressed, err := gzip.NewReader(bytes.NewReader(read(t, filepath.Join(built(t).second, top+".tar.gz"))))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := io.ReadAll(compressed)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || header.Uid != 0 || header.Uname != "" {
			t.Fatalf("%+v, %v", header, err)
		}
	}
	directory := t.TempDir()
	if err := unpack(string(archive), directory); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(directory, top)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
