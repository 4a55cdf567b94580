package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/backup"
	"stats-recorder/backup/objectstore"
	"stats-recorder/counters"
	"stats-recorder/service"
)

// standardStream stands for standard output or input in the place of a file.
const standardStream = "-"

func backupCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "backup",
		Usage:     "write everything that the data directory holds to a file",
		ArgsUsage: "FILE|DIRECTORY|-",
		Description: "A server may be running: it is not asked, and not held up. The backup holds at least\n" +
			"all that was acknowledged before, as far as it was on disk. It is read back before it\n" +
			"gets its name; in a directory, that is one which sorts by time. - is standard output.",
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			target, err := oneArgument(c, "a file, a directory, or - for standard output")
			if err != nil {
				return err
			}
			directory, err := existingDirectoryOf(c)
			if err != nil {
				return err
			}
			return takeBackup(output, os.Stderr, directory, target)
		},
	}
}

// oneArgument is the one that a command must have.
func oneArgument(c *cli.Command, wanted string) (string, error) {
	if c.Args().Len() != 1 || c.Args().First() == "" {
		return "", fmt.Errorf("%s takes one argument: %s; see stats-recorder %s --help", c.Name, wanted, c.Name)
	}
	return c.Args().First(), nil
}

// takeBackup writes a backup, and says what it holds where that is not in its way.
func takeBackup(output, messages io.Writer, directory, target string) error {
	held, err := backup.Hold(directory, counters.BuiltInKinds(), time.Now())
	if err != nil {
		return err
	}
	defer held.Close()
	if target == standardStream {
		if err := backup.WriteArchive(output, held); err != nil {
			return err
		}
		fmt.Fprintf(messages, "wrote %s\n", contentOf(held.Manifest))
		return nil
	}
	path, size, err := backup.SaveArchive(target, held)
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "wrote %q, %s: %s\n", path, several(uint64(size), "byte"), contentOf(held.Manifest))
	return nil
}

// contentOf says in words what a backup holds.
func contentOf(m backup.Manifest) string {
	content := fmt.Sprintf("%s of directory %s, up to commit %d, taken %s",
		several(len(m.Files), "file"), m.Identity, m.Commit, m.Taken.Format(time.RFC3339))
	if _, waits := m.Importing(); waits {
		content += ", with an import that waits to be told to other nodes"
	}
	return content
}

func restoreCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "bring a backup back into an empty data directory",
		ArgsUsage: "FILE|DIRECTORY|URL|-",
		Description: "Of a directory, or a place in object storage as BACKUP_URL names it, \n" +
			"it takes the newest backup; - is standard input. Everything is verified before any of it\n" +
			"counts; until then the data directory stays empty. After an interruption run it again.\n" +
			"The directory keeps the identity of the one that was backed up: do not let both count.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "read and verify the backup in a temporary directory, and change nothing"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			from, err := oneArgument(c, "a file, a directory, a URL, or - for standard input")
			if err != nil {
				return err
			}
			directory, err := directoryOf(c)
			if err != nil {
				return err
			}
			source, err := sourceOf(ctx, from)
			if err != nil {
				return err
			}
			if c.Bool("check") {
				return checkBackup(output, source)
			}
			return restore(output, source, directory)
		},
	}
}

func sourceOf(ctx context.Context, from string) (backup.Source, error) {
	if from == standardStream {
		return backup.FromStream("standard input", os.Stdin), nil
	}
	if objectstore.IsURL(from) {
		location, err := objectstore.ParseURL(from)
		if err != nil {
			return backup.Source{}, fmt.Errorf("%w: %q: %w", service.ErrConfig, from, err)
		}
		store, err := objectstore.OpenS3(location)
		if err != nil {
			return backup.Source{}, err
		}
		return store.Newest(ctx)
	}
	if info, err := os.Stat(from); err == nil && info.IsDir() {
		return backup.FromDirectory(from)
	}
	return backup.FromArchive(from), nil
}

func checkBackup(output io.Writer, source backup.Source) error {
	m, err := backup.Check(source, counters.BuiltInKinds())
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "%s is good: %s; a server would start with it\n", source.Name, contentOf(m))
	return nil
}

// restore restores into a directory. One that it made itself goes again when nothing was
// restored.
func restore(output io.Writer, source backup.Source, directory string) (err error) {
	if _, missing := os.Stat(directory); errors.Is(missing, os.ErrNotExist) {
		defer func() {
			if err != nil {
				err = errors.Join(err, os.RemoveAll(directory))
			}
		}()
	}
	m, err := backup.Restore(source, backup.Restoring{Directory: directory, Kinds: counters.BuiltInKinds()})
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "restored into %q: %s; the server can start\n", directory, contentOf(m))
	return nil
}
