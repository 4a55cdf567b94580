package objectstore

import (
	"context"
	"errors"
	"io"
)

// ErrNoObject is returned for a key under which there is nothing.
var ErrNoObject = errors.New("there is no such object")

// A Bucket is what is needed of object storage. Objects are whole or not there, and what
// was put is listed and got by everybody. Any number of goroutines may use it.
type Bucket interface {
	// Put stores an object of the given size, in place of one that is there.
	Put(ctx context.Context, key string, content io.Reader, size int64) error
	// Get returns the content of an object, or ErrNoObject.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// List returns the keys that begin with a prefix, in their order.
	List(ctx context.Context, prefix string) ([]string, error)
	// Remove removes an object. One that is gone already is fine.
	Remove(ctx context.Context, key string) error
}
