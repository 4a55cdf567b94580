package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine is what figures were measured on.
type machine struct {
	System    string `json:"system"`
	Processor string `json:"processor,omitempty"`
	Cores     int    `json:"cores"`
	Go        string `json:"go"`
}

// describeMachine finds out what the system tells.
func describeMachine() machine {
	return machine{
		System:    runtime.GOOS + "/" + runtime.GOARCH,
		Processor: processorName(),
		Cores:     runtime.NumCPU(),
		Go:        runtime.Version(),
	}
}

// processorName is the model that Linux names, or nothing.
func processorName() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// describeRevision names the commit of the working directory, with a mark when
// there are changes on top of it, or nothing where git does not know.
func describeRevision(ctx context.Context) string {
	output, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(output))
}
