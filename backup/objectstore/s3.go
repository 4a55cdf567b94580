package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The client is minio-go and not aws-sdk-go-v2: it is made for servers of the S3 API that
// are not Amazon's too, takes path and host style by itself, and adds 2.0 MB to a program
// with net/http, where the other adds 2.4 MB and half as many packages again. Both are
// released every few weeks.

// ErrURL is returned for a URL that names no place in object storage.
var ErrURL = errors.New("want s3://bucket/prefix, and where it is not Amazon's ?endpoint=https://host&region=name")

// amazon is the endpoint when none is named.
const amazon = "https://s3.amazonaws.com"

// A Location is a place in object storage.
type Location struct {
	bucket, prefix, region string
	endpoint               *url.URL
}

// ParseURL reads s3://bucket/prefix?endpoint=…&region=…. It returns ErrURL.
func ParseURL(text string) (Location, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "s3" || parsed.Host == "" || parsed.User != nil || parsed.Fragment != "" {
		return Location{}, ErrURL
	}
	l := Location{bucket: parsed.Host, prefix: strings.Trim(path.Clean("/"+parsed.Path), "/"), region: parsed.Query().Get("region")}
	for name := range parsed.Query() {
		if name != "endpoint" && name != "region" {
			return Location{}, fmt.Errorf("%w; there is %q", ErrURL, name)
		}
	}
	endpoint := parsed.Query().Get("endpoint")
	if endpoint == "" {
		endpoint = amazon
	}
	l.endpoint, err = url.Parse(endpoint)
	if err != nil || l.endpoint.Host == "" || (l.endpoint.Scheme != "https" && l.endpoint.Scheme != "http") || strings.Trim(l.endpoint.Path, "/") != "" {
		return Location{}, fmt.Errorf("%w; the endpoint is %q", ErrURL, endpoint)
	}
	return l, nil
}

// IsURL says whether a text is meant to be such a URL.
func IsURL(text string) bool { return strings.HasPrefix(text, "s3://") }

// s3Bucket is a Bucket by the S3 API.
type s3Bucket struct {
	client   *minio.Client
	location Location
}

// retries is how often a request is tried again: the next round comes soon.
const retries = 3

// OpenS3 returns the store at a location. The credentials are those of AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or else of the file that
// AWS_SHARED_CREDENTIALS_FILE or ~/.aws names. It asks nobody yet.
func OpenS3(l Location) (*Store, error) {
	client, err := minio.New(l.endpoint.Host, &minio.Options{
		Creds:      credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}}),
		Secure:     l.endpoint.Scheme == "https",
		Region:     l.region,
		MaxRetries: retries,
	})
	if err != nil {
		return nil, fmt.Errorf("object storage at %s: %w", l.endpoint.Host, err)
	}
	return NewStore(&s3Bucket{client, l}), nil
}

func (b *s3Bucket) key(key string) string { return path.Join(b.location.prefix, key) }

// failed says of an error where it was and what for.
func (b *s3Bucket) failed(what, key string, err error) error {
	if response := minio.ToErrorResponse(err); response.StatusCode == http.StatusNotFound && response.Code == minio.NoSuchKey {
		err = fmt.Errorf("%w: %w", ErrNoObject, err)
	}
	return fmt.Errorf("%s s3://%s/%s at %s: %w", what, b.location.bucket, b.key(key), b.location.endpoint.Host, err)
}

// Put is described at Bucket. The client repeats what a network lost.
func (b *s3Bucket) Put(ctx context.Context, key string, content io.Reader, size int64) error {
	_, err := b.client.PutObject(ctx, b.location.bucket, b.key(key), content, size, minio.PutObjectOptions{})
	if err != nil {
		return b.failed("put", key, err)
	}
	return nil
}

// Get is described at Bucket. It asks for the object's head first, for the first Read of the
// client would be the one that says ErrNoObject.
func (b *s3Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	object, err := b.client.GetObject(ctx, b.location.bucket, b.key(key), minio.GetObjectOptions{})
	if err == nil {
		if _, err = object.Stat(); err != nil {
			err = errors.Join(err, object.Close())
		}
	}
	if err != nil {
		return nil, b.failed("get", key, err)
	}
	return object, nil
}

// List is described at Bucket. It takes at most a minute.
func (b *s3Bucket) List(ctx context.Context, prefix string) (keys []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	below := b.key("") + "/"
	if b.location.prefix == "" {
		below = ""
	}
	for object := range b.client.ListObjects(ctx, b.location.bucket, minio.ListObjectsOptions{Prefix: below + prefix, Recursive: true}) {
		if object.Err != nil {
			return nil, b.failed("list", prefix, object.Err)
		}
		keys = append(keys, strings.TrimPrefix(object.Key, below))
	}
	return keys, nil
}

// Remove is described at Bucket.
func (b *s3Bucket) Remove(ctx context.Context, key string) error {
	if err := b.client.RemoveObject(ctx, b.location.bucket, b.key(key), minio.RemoveObjectOptions{}); err != nil {
		return b.failed("remove", key, err)
	}
	return nil
}
