package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNoModule is returned by Build when it does not run inside the server's module.
var ErrNoModule = errors.New("no go.mod found: run from the repository")

// BuildSettings say how the server's program is built.
type BuildSettings struct {
	// Directory is where the program is put. It must exist.
	Directory string
	// Tags are build tags, separated by commas.
	Tags string
	// Environment is added to that of this process, "NAME=value".
	Environment []string
}

// Build builds the server of this module and returns the path of its program.
func Build(ctx context.Context, settings BuildSettings) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	name := "stats-recorder"
	if settings.Tags != "" {
		name += "-" + settings.Tags
	}
	program := filepath.Join(settings.Directory, name)
	command := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags", settings.Tags, "-o", program, ".")
	command.Dir = root
	command.Env = append(os.Environ(), settings.Environment...)
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, output)
	}
	return program, nil
}

// moduleRoot is the directory of the go.mod that the working directory belongs to.
func moduleRoot(ctx context.Context) (string, error) {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	path := string(bytes.TrimSpace(module))
	if path == "" || path == os.DevNull {
		return "", ErrNoModule
	}
	return filepath.Dir(path), nil
}
