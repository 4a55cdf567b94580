package objectstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/backup"
)

const (
	manifestsPrefix = "manifests/"
	manifestSuffix  = ".json"
	filesPrefix     = "files/"
	fileSuffix      = ".zst"
)

// ErrNoBackup is returned for a place in object storage where there is no backup.
var ErrNoBackup = errors.New("there is no backup in object storage")

// A Store is the backups in a bucket.
type Store struct{ bucket Bucket }

// NewStore returns the backups in a bucket.
func NewStore(bucket Bucket) *Store { return &Store{bucket} }

// entry is what the key of a manifest says. Keys sort by term, then writer, then commit.
type entry struct {
	key              string
	term, commit     uint64
	writer, identity string
}

func keyOf(e entry) string {
	return fmt.Sprintf("%s%016x-%s-%016x-%s%s", manifestsPrefix, e.term, e.writer, e.commit, e.identity, manifestSuffix)
}

// parseEntry reads a key, and says whether it is one of a manifest.
func parseEntry(key string) (e entry, ok bool) {
	text, found := strings.CutPrefix(key, manifestsPrefix)
	text, ends := strings.CutSuffix(text, manifestSuffix)
	parts := strings.Split(text, "-")
	if !found || !ends || len(parts) != 4 {
		return entry{}, false
	}
	e = entry{key: key, writer: parts[1], identity: parts[3]}
	var errors [2]error
	e.term, errors[0] = strconv.ParseUint(parts[0], 16, 64)
	e.commit, errors[1] = strconv.ParseUint(parts[2], 16, 64)
	return e, errors[0] == nil && errors[1] == nil && keyOf(e) == key
}

// entries are the manifests there are, the newest last.
func (s *Store) entries(ctx context.Context) (entries []entry, err error) {
	keys, err := s.bucket.List(ctx, manifestsPrefix)
	if err != nil {
		return nil, err
	}
	slices.Sort(keys)
	for _, key := range keys {
		if e, ok := parseEntry(key); ok {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// Newest is the newest backup. It returns ErrNoBackup, or what the storage says.
func (s *Store) Newest(ctx context.Context) (backup.Source, error) {
	entries, err := s.entries(ctx)
	if err != nil {
		return backup.Source{}, err
	}
	if len(entries) == 0 {
		return backup.Source{}, ErrNoBackup
	}
	newest := entries[len(entries)-1]
	m, err := s.manifest(ctx, newest.key)
	if err != nil {
		return backup.Source{}, err
	}
	return backup.SourceOf("object storage, "+newest.key, m, func(file backup.File) (io.ReadCloser, error) {
		return s.open(ctx, file)
	}), nil
}

func (s *Store) manifest(ctx context.Context, key string) (backup.Manifest, error) {
	object, err := s.bucket.Get(ctx, key)
	if err != nil {
		return backup.Manifest{}, err
	}
	defer object.Close()
	text, err := io.ReadAll(object)
	if err != nil {
		return backup.Manifest{}, fmt.Errorf("get %s: %w", key, err)
	}
	return backup.ParseManifest(text)
}

// objectOf is the key of a file by what is in it.
func objectOf(file backup.File) string {
	return filesPrefix + file.Name + "-" + file.SHA256 + fileSuffix
}

// open returns the content of a file.
func (s *Store) open(ctx context.Context, file backup.File) (io.ReadCloser, error) {
	if path.Clean(file.Object) != file.Object || !strings.HasPrefix(file.Object, filesPrefix) {
		return nil, fmt.Errorf("%w: object %q", backup.ErrDamaged, file.Object)
	}
	object, err := s.bucket.Get(ctx, file.Object)
	if err != nil {
		return nil, err
	}
	plain, err := zstd.NewReader(object)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("object %s: %w", file.Object, err), object.Close())
	}
	return unpacked{plain, object}, nil
}

// unpacked is the plain content of an object.
type unpacked struct {
	*zstd.Decoder
	object io.Closer
}

// Close gives both free.
func (u unpacked) Close() error {
	u.Decoder.Close()
	return u.object.Close()
}

// putFile stores a file, compressed, and returns how many bytes that takes. Files of
// sections are compressed in themselves; then it takes a little more.
func (s *Store) putFile(ctx context.Context, key string, content io.Reader) (int64, error) {
	var compressed bytes.Buffer
	encoder, err := zstd.NewWriter(&compressed, zstd.WithEncoderConcurrency(1))
	if err == nil {
		_, err = io.Copy(encoder, content)
		err = errors.Join(err, encoder.Close())
	}
	if err != nil {
		return 0, fmt.Errorf("compress %s: %w", key, err)
	}
	size := int64(compressed.Len())
	return size, s.bucket.Put(ctx, key, &compressed, size)
}

func (s *Store) putManifest(ctx context.Context, key string, m backup.Manifest) error {
	text, err := m.Encode()
	if err != nil {
		return err
	}
	return s.bucket.Put(ctx, key, bytes.NewReader(text), int64(len(text)))
}
