package main

import (
	"fmt"
	"slices"
	"strings"
)

// platform is a system and a processor in Go's words; see go tool dist list.
type platform struct {
	system, processor string
	variant           string // of the processor: GOARM
}

// platforms are all that are released. Windows is not: the data directory is
// locked by flock, and its directories are synced, which Windows does not offer.
var platforms = []platform{
	{system: "linux", processor: "amd64"},
	{system: "linux", processor: "arm64"},
	{system: "linux", processor: "arm", variant: "7"},
	{system: "linux", processor: "386"},
	{system: "darwin", processor: "amd64"},
	{system: "darwin", processor: "arm64"},
	{system: "freebsd", processor: "amd64"},
	{system: "freebsd", processor: "arm64"},
}

// String is what a person writes: linux/armv7.
func (p platform) String() string {
	if p.variant != "" {
		return p.system + "/" + p.processor + "v" + p.variant
	}
	return p.system + "/" + p.processor
}

// fileName is the platform as a part of a file's name.
func (p platform) fileName() string { return strings.ReplaceAll(p.String(), "/", "_") }

// environment has the go command build for the platform, without C.
func (p platform) environment() []string {
	environment := []string{"CGO_ENABLED=0", "GOOS=" + p.system, "GOARCH=" + p.processor}
	if p.variant != "" {
		environment = append(environment, "GOARM="+p.variant)
	}
	return environment
}

// parsePlatforms finds platforms by their names, or all if there is no name.
func parsePlatforms(text string) (found []platform, err error) {
	names := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	if len(names) == 0 {
		return platforms, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(platforms, func(p platform) bool { return p.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no platform %q: want some of %v", name, platforms)
		}
		found = append(found, platforms[i])
	}
	return found, nil
}
