package recovery

import (
	"fmt"
	"io"
	"slices"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// identityOf is whose a file says it is. A file that cannot be read says nothing: it is
// found damaged when it is needed.
func identityOf(path string) (identity format.Identity) {
	err := disk.Read(path, func(input io.Reader, _ int64) (err error) {
		identity, err = format.ReadIdentity(input)
		return err
	})
	if err != nil {
		return format.Identity{}
	}
	return identity
}

// IdentityOf is the identity of a directory that holds the given files, where some may
// be of another: the one that most of them have, and of two the one of older files. It
// is the zero one when no file tells it.
func IdentityOf(files disk.Contents) (owner format.Identity) {
	var identities []format.Identity // of the files, those of older snapshots and journals first
	votes := map[format.Identity]int{}
	for _, path := range slices.Concat(files.Snapshots, files.Journals, files.Days) {
		if identity := identityOf(path); !identity.IsZero() {
			identities = append(identities, identity)
			votes[identity]++
		}
	}
	for _, identity := range identities {
		if votes[identity] > votes[owner] {
			owner = identity
		}
	}
	return owner
}

// CheckOwner returns format.ErrForeign for a file that says that it is of another
// directory than the given one, if that is known.
func CheckOwner(path string, owner format.Identity) error {
	identity := identityOf(path)
	if identity.IsZero() || owner.IsZero() || identity == owner {
		return nil
	}
	return foreign(path, identity, owner)
}

func foreign(path string, identity, owner format.Identity) error {
	return fmt.Errorf("file %q: %w: it is of %v, this one is %v", path, format.ErrForeign, identity, owner)
}
