package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// disk is a small file system of a scenario's own. It must be removed.
type disk struct {
	// point is where it is mounted.
	point string
	// arguments of mount, without the point.
	arguments []string
	mounted   bool
}

// newExt4 makes an ext4 in a file of a directory and mounts it.
func newExt4(ctx context.Context, directory string, megabytes int64, options string) (*disk, error) {
	image := filepath.Join(directory, "disk")
	file, err := os.Create(image)
	if err != nil {
		return nil, fmt.Errorf("make a disk image: %w", err)
	}
	if err := errors.Join(file.Truncate(megabytes<<20), file.Close()); err != nil {
		return nil, fmt.Errorf("make a disk image: %w", err)
	}
	if output, err := command(ctx, "mkfs.ext4", "-q", "-F", image); err != nil {
		return nil, fmt.Errorf("%w: mkfs.ext4 (package e2fsprogs): %w: %s", errUnavailable, err, output)
	}
	return newDisk(ctx, directory, "-t", "ext4", "-o", options, image)
}

// newTmpfs mounts a file system in memory.
func newTmpfs(ctx context.Context, directory string, kilobytes int) (*disk, error) {
	return newDisk(ctx, directory, "-t", "tmpfs", "-o", fmt.Sprintf("size=%dk", kilobytes), "tmpfs")
}

func newDisk(ctx context.Context, directory string, arguments ...string) (*disk, error) {
	d := &disk{point: filepath.Join(directory, "mounted"), arguments: arguments}
	if err := os.Mkdir(d.point, 0o755); err != nil {
		return nil, fmt.Errorf("make a mount point: %w", err)
	}
	if err := d.mount(ctx); err != nil {
		return nil, fmt.Errorf("%w: mounting needs root: %w", errUnavailable, err)
	}
	return d, nil
}

func (d *disk) mount(ctx context.Context) error {
	if output, err := command(ctx, "mount", append(d.arguments, d.point)...); err != nil {
		return fmt.Errorf("mount: %w: %s", err, output)
	}
	d.mounted = true
	return nil
}

// unmount may be called in any case. It works also when the context has ended.
func (d *disk) unmount(ctx context.Context) error {
	if !d.mounted {
		return nil
	}
	if output, err := command(context.WithoutCancel(ctx), "umount", d.point); err != nil {
		return fmt.Errorf("umount %q: %w: %s", d.point, err, output)
	}
	d.mounted = false
	return nil
}

// command runs a program to its end, also where PATH lacks what root has there.
func command(ctx context.Context, name string, arguments ...string) (output []byte, err error) {
	path, err := exec.LookPath(name)
	if err != nil {
		path = filepath.Join("/usr/sbin", name)
	}
	return exec.CommandContext(ctx, path, arguments...).CombinedOutput()
}

// fill writes a file until its disk is full.
func fill(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	defer file.Close()
	// The last blocks go one by one.
	for size := 1 << 20; size > 0; size /= 2 {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = file.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, io.ErrShortWrite) {
			return fmt.Errorf("fill the disk: %w", err)
		}
	}
	return nil
}
