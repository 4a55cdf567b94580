package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is the name of the binary and of all that is made of it.
const program = "stats-recorder"

// source is an unpacked archive of the commit.
type source struct{ root string }

// openSource unpacks an archive of the commit that is checked out below the work
// directory. A root without git is one already.
func openSource(ctx context.Context, root, work string) (source, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return source{}, err
	}
	if _, err := os.Stat(filepath.Join(root, ".git")); errors.Is(err, fs.ErrNotExist) {
		return source{root: root}, nil
	}
	changes, err := output(exec.CommandContext(ctx, "git", "-C", root, "status", "--porcelain"))
	if err != nil {
		return source{}, err
	}
	if changes != "" {
		fmt.Fprintf(os.Stderr, "release: not in it, for they are not committed:\n%s", changes)
	}
	archive, err := output(exec.CommandContext(ctx, "git", "-C", root, "archive", "--format=tar", "HEAD"))
	if err != nil {
		return source{}, err
	}
	unpacked := filepath.Join(work, "source")
	return source{root: unpacked}, unpack(archive, unpacked)
}

// unpack writes the files of a tar archive.
func unpack(archive, directory string) error {
	files := tar.NewReader(strings.NewReader(archive))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack the archive of the commit: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("unpack the archive of the commit: %q lies outside of it", header.Name)
		}
		path := filepath.Join(directory, header.Name)
		content, err := io.ReadAll(files)
		if err != nil {
			return fmt.Errorf("unpack %q: %w", header.Name, err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, header.FileInfo().Mode().Perm()); err != nil {
			return err
		}
	}
}

// goCommand is the go command within the source, for a platform.
func (s source) goCommand(ctx context.Context, environment []string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = s.root
	// No workspace and no flags of whoever runs it: they would be in the bytes.
	command.Env = append(os.Environ(), append([]string{"GOWORK=off", "GOFLAGS=-mod=readonly"}, environment...)...)
	return command
}

// output runs a program and returns what it prints. The error has what it says
// about its failure.
func output(command *exec.Cmd) (string, error) {
	var printed, said bytes.Buffer
	command.Stdout, command.Stderr = &printed, &said
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(command.Args, " "), err, said.String())
	}
	return printed.String(), nil
}
