package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// mostBytes is how large a binary may be.
const mostBytes = 40 << 20

// binary is a built program.
type binary struct {
	path   string
	size   int64
	sha256 string
	info   *buildinfo.BuildInfo
}

// buildBinary builds the program for a platform, stripped, and without the paths
// of this machine.
func (s source) buildBinary(ctx context.Context, target platform, directory string) (binary, error) {
	path := filepath.Join(directory, program)
	// What git knows is in service/source.txt, so a clone gives the bytes that an
	// archive does.
	build := s.goCommand(ctx, target.environment(), "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, ".")
	if _, err := output(build); err != nil {
		return binary{}, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return binary{}, err
	}
	if len(content) > mostBytes {
		return binary{}, fmt.Errorf("the binary has %d bytes: want at most %d", len(content), mostBytes)
	}
	if err := requireStatic(content); err != nil {
		return binary{}, err
	}
	info, err := buildinfo.Read(bytes.NewReader(content))
	if err != nil {
		return binary{}, fmt.Errorf("read what the binary was built from: %w", err)
	}
	sum := sha256.Sum256(content)
	return binary{path: path, size: int64(len(content)), sha256: hex.EncodeToString(sum[:]), info: info}, nil
}

// requireStatic returns an error for a binary that needs a loader or a library. Of
// formats other than ELF it knows nothing: darwin has no other way than its own
// library.
func requireStatic(content []byte) error {
	if !bytes.HasPrefix(content, []byte(elf.ELFMAG)) {
		return nil
	}
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("read the binary: %w", err)
	}
	for _, header := range file.Progs {
		if header.Type == elf.PT_INTERP || header.Type == elf.PT_DYNAMIC {
			return fmt.Errorf("the binary is linked dynamically: it has %v", header.Type)
		}
	}
	return nil
}

// host is the program built for this machine, which is asked about itself.
type host struct {
	binary
	platform platform
}

func (s source) buildHost(ctx context.Context, work string) (host, error) {
	here := platform{system: runtime.GOOS, processor: runtime.GOARCH}
	directory := filepath.Join(work, "host")
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return host{}, err
	}
	built, err := s.buildBinary(ctx, here, directory)
	return host{binary: built, platform: here}, err
}

// ask runs the program, without any setting.
func (h host) ask(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, h.path, arguments...)
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	return output(command)
}

// identity is what a release is of.
type identity struct {
	version  string // as Go writes it: v1.2.3
	revision string
	date     time.Time // of everything in the results
}

// plain is the version without its letter.
func (i identity) plain() string { return strings.TrimPrefix(i.version, "v") }

// identity reads what the version command prints. SOURCE_DATE_EPOCH replaces the
// commit's date, see https://reproducible-builds.org/specs/source-date-epoch/.
func (h host) identity(ctx context.Context) (identity, error) {
	said, err := h.ask(ctx, "version")
	if err != nil {
		return identity{}, err
	}
	known := map[string]string{}
	for line := range strings.Lines(said) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		known[name] = value
	}
	i := identity{version: known[program], revision: known["revision"]}
	if i.date, err = time.Parse(time.RFC3339, known["date"]); err != nil {
		return identity{}, fmt.Errorf("the source does not say what commit it is of: want a clone, or what git archive makes: %w", err)
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return identity{}, fmt.Errorf("SOURCE_DATE_EPOCH %q: want seconds since 1970", epoch)
		}
		i.date = time.Unix(seconds, 0).UTC()
	}
	return i, nil
}

// documents are what the program writes about itself.
type documents struct {
	commandPage, settingsPage, settings string
	completions                         map[string]string // by the shell
}

func (h host) documents(ctx context.Context) (d documents, err error) {
	d.completions = map[string]string{"bash": "", "zsh": "", "fish": ""}
	for field, arguments := range map[*string][]string{
		&d.commandPage:  {"manual"},
		&d.settingsPage: {"manual", "--page", "stats-recorder.conf.5"},
		&d.settings:     {"manual", "--page", "stats-recorder.conf"},
	} {
		if *field, err = h.ask(ctx, arguments...); err != nil {
			return d, err
		}
	}
	for shell := range d.completions {
		if d.completions[shell], err = h.ask(ctx, "completion", shell); err != nil {
			return d, err
		}
	}
	return d, nil
}
