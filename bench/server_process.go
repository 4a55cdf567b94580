package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// errNoModule is returned when the harness is not run inside the server's module.
var errNoModule = errors.New("no go.mod found: run from the repository")

// buildServer builds the server of this module into a directory and returns the
// path of the program.
func buildServer(ctx context.Context, directory string) (string, error) {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find module: %w", err)
	}
	root := filepath.Dir(string(bytes.TrimSpace(module)))
	if root == filepath.Dir(os.DevNull) {
		return "", errNoModule
	}
	program := filepath.Join(directory, "server")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build server: %w\n%s", err, output)
	}
	return program, nil
}

// startServer starts a server program on a free port, with a data directory
// that holds nothing but what was acknowledged in this run.
func startServer(ctx context.Context, program, dataDirectory, durability string, version int) (*httpTarget, error) {
	command := exec.Command(program)
	command.Env = append(os.Environ(), "HOST=127.0.0.1", "PORT=0", "ADMIN_ADDR=127.0.0.1:0", "DATA_DIR="+dataDirectory, "DURABILITY="+durability)
	listening := newAddressWatch()
	child, err := startProcess(ctx, "server", command, listening.ready)
	if err != nil {
		return nil, err
	}
	base, err := parseBase("http://" + listening.address)
	if err != nil {
		return nil, errors.Join(err, child.stop())
	}
	return &httpTarget{base: base, version: version, child: child, baseline: newLedger()}, nil
}

// addressWatch finds the bound address in a log, text or JSON.
type addressWatch struct {
	pattern *regexp.Regexp
	address string // set before ready returns true
}

func newAddressWatch() *addressWatch {
	return &addressWatch{pattern: regexp.MustCompile(`\baddress"?[=:]\s*"?([^\s",]+:\d+)`)}
}

// ready recognizes the line that says where the process listens.
func (w *addressWatch) ready(line string) bool {
	match := w.pattern.FindStringSubmatch(line)
	if match == nil {
		return false
	}
	w.address = match[1]
	return true
}

// directoryBytes is the size of all files under a directory. Files come and go
// while a server works; one that is gone counts nothing.
func directoryBytes(directory string) (int64, error) {
	sum := int64(0)
	err := filepath.WalkDir(directory, func(_ string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		if information, err := entry.Info(); err == nil {
			sum += information.Size()
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("size of %q: %w", directory, err)
	}
	return sum, nil
}
