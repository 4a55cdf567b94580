// Command release builds what is published of a commit: static binaries, archives,
// Debian and RPM packages, a bill of materials for each, and their checksums. The
// same commit and version of Go give the same bytes, wherever it runs.
//
// It builds from an archive of the commit, not from what lies in the work tree, so
// that nothing uncommitted gets out. Where there is no git, the source is taken for
// an unpacked archive.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/mail"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		stop()
		os.Exit(1)
	}
}

// run reads the command line and builds.
func run(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	root := flags.String("source", "..", "root of the repository, or of an unpacked archive of it")
	output := flags.String("output", "../dist", "directory for the results; it is emptied first")
	names := flags.String("platforms", "", "platforms separated by spaces or commas, such as linux/amd64; all if empty")
	maintainer := flags.String("maintainer", nobody, "`NAME <ADDRESS>` that the packages give of who publishes them")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if err := checkMaintainer(*maintainer); err != nil {
		return err
	}
	targets, err := parsePlatforms(*names)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "stats-recorder-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	source, err := openSource(ctx, *root, work)
	if err != nil {
		return err
	}
	r := &release{source: source, output: *output, work: work, maintainer: *maintainer}
	return r.build(ctx, targets)
}

// nobody is the maintainer of packages that nobody publishes. Debian asks for an
// address, and the project has none: RFC 2606 keeps .invalid for saying so.
const nobody = "stats-recorder contributors <nobody@stats-recorder.invalid>"

// errMaintainer is returned for a maintainer whom nobody could write to.
var errMaintainer = errors.New("the maintainer is no name with an address")

// checkMaintainer requires a name and an address.
func checkMaintainer(text string) error {
	if found, err := mail.ParseAddress(text); err != nil || found.Name == "" {
		return fmt.Errorf("%w: have %q, want \"NAME <ADDRESS>\"", errMaintainer, text)
	}
	return nil
}

// release is one run: everything about one commit.
type release struct {
	source     source
	output     string // directory of the results
	work       string // directory that is removed at the end
	maintainer string

	host      host
	identity  identity
	documents documents
}

// build writes the results of all platforms and their checksums.
func (r *release) build(ctx context.Context, targets []platform) error {
	if err := errors.Join(os.RemoveAll(r.output), os.MkdirAll(r.output, 0o755)); err != nil {
		return err
	}
	var err error
	if r.host, err = r.source.buildHost(ctx, r.work); err != nil {
		return err
	}
	if r.identity, err = r.host.identity(ctx); err != nil {
		return err
	}
	if r.documents, err = r.host.documents(ctx); err != nil {
		return err
	}
	fmt.Printf("stats-recorder %s, revision %s\n", r.identity.version, r.identity.revision)
	for _, target := range targets {
		if err := r.buildFor(ctx, target); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	if r.maintainer == nobody {
		fmt.Println(`The packages name nobody to write to. To publish them: make release MAINTAINER="NAME <ADDRESS>"`)
	}
	return writeChecksums(r.output)
}

// buildFor writes the results of one platform.
func (r *release) buildFor(ctx context.Context, target platform) error {
	stage := filepath.Join(r.work, target.fileName())
	if err := os.MkdirAll(stage, 0o755); err != nil {
		return err
	}
	binary := r.host.binary
	if target != r.host.platform {
		var err error
		if binary, err = r.source.buildBinary(ctx, target, stage); err != nil {
			return err
		}
	}
	licences, err := r.source.licences(ctx, target, binary)
	if err != nil {
		return err
	}
	base := fmt.Sprintf("%s_%s_%s", program, r.identity.plain(), target.fileName())
	bill, err := billOfMaterials(binary, r.identity, licences)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.output, base+".cdx.json"), bill, 0o644); err != nil {
		return err
	}
	contents := contents{binary: binary.path, source: r.source.root, documents: r.documents, notices: notices(licences), bill: bill}
	archive := filepath.Join(r.output, base+".tar.gz")
	entries, err := contents.archived()
	if err != nil {
		return err
	}
	if err := writeArchive(archive, base, entries, r.identity.date); err != nil {
		return err
	}
	fmt.Printf("%-16s %5.1f MB, %d modules\n", target, float64(binary.size)/1e6, len(licences))
	if target.system != "linux" {
		return nil
	}
	return r.writePackages(target, stage, contents)
}
