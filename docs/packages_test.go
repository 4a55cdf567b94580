package docs

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the root of the repository.
const root = ".."

// goPackage is a package of this module as go list describes it. Paths are
// relative to the module; that of the main package is empty.
type goPackage struct {
	path string
	// imports are the packages of this module that its code imports, testImports
	// those that only its tests do.
	imports, testImports []string
}

// listPackages asks go list for the packages of this module, in the order of
// their paths, as they are built on Linux. A build by a profile would list them
// under other names.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	dependOnSources(t)
	module := strings.TrimSpace(goList(t, "-m"))
	decoder := json.NewDecoder(strings.NewReader(goList(t, "-pgo=off", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")))
	var packages []goPackage
	for {
		var listed struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		err := decoder.Decode(&listed)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list -json: %v", err)
		}
		p := goPackage{path: relative(module, listed.ImportPath), imports: within(module, listed.Imports)}
		for _, path := range within(module, slices.Concat(listed.TestImports, listed.XTestImports)) {
			if path != p.path && !slices.Contains(p.imports, path) {
				p.testImports = append(p.testImports, path)
			}
		}
		packages = append(packages, p)
	}
	slices.SortFunc(packages, func(a, b goPackage) int { return strings.Compare(a.path, b.path) })
	return packages
}

// goList returns the output of go list at the root of the module.
func goList(t *testing.T, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list"}, arguments...)...)
	command.Dir, command.Env = root, append(os.Environ(), "GOOS=linux")
	var said strings.Builder
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list %q: %v\n%s", arguments, err, said.String())
	}
	return string(output)
}

// within returns the packages of the module among the paths, sorted, each once.
func within(module string, paths []string) (inside []string) {
	for _, path := range paths {
		if path == module || strings.HasPrefix(path, module+"/") {
			inside = append(inside, relative(module, path))
		}
	}
	slices.Sort(inside)
	return slices.Compact(inside)
}

func relative(module, path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

// dependOnSources has this process look at every Go file: the go command keeps
// the result of a test until a file changes that the test itself has looked at,
// and does not know what go list reads.
func dependOnSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readDocument reads a file by its path from the root of the repository.
func readDocument(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
