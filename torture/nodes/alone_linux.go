package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// alone has a command run in a network and a mount namespace of its own, which end with
// it. It needs root.
func alone(command *exec.Cmd) error {
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	return command.Run()
}

// fill takes all that is free of the file system of a directory, and returns what gives
// it back.
func fill(directory string) (release func() error, err error) {
	path := directory + "/fills-the-disk"
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size := int64(0)
	for chunk := int64(1 << 30); chunk >= 4096; chunk /= 2 { // others write meanwhile
		for err = nil; err == nil; {
			if err = syscall.Fallocate(int(file.Fd()), 0, size, chunk); err == nil {
				size += chunk
			}
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return nil, err
		}
	}
	return func() error { return os.Remove(path) }, nil
}
