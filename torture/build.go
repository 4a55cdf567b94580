package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// errNoModule is returned when the torture is not run inside the server's module.
var errNoModule = errors.New("no go.mod found: run from the repository")

// build makes the server's program in a directory, with build tags, and returns
// its path.
func build(ctx context.Context, directory, tags string) (string, error) {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find module: %w", err)
	}
	root := filepath.Dir(string(bytes.TrimSpace(module)))
	if root == filepath.Dir(os.DevNull) {
		return "", errNoModule
	}
	program := filepath.Join(directory, "server"+tags)
	command := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags", tags, "-o", program, ".")
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, output)
	}
	return program, nil
}
