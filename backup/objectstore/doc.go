// Package objectstore keeps backups in object storage, a little behind the directory, so
// that a disk which does not stay can be lost.
//
// The one idea: files of a generation are objects that never change, named by what is in
// them, and a manifest says which of them are the directory at one commit. So a round
// uploads only files that are new, and then one manifest, with which it counts. Whoever
// reads sees whole generations.
//
// The keys below the prefix:
//
//	files/<name>-<SHA-256>.zst                             a file, compressed by zstd
//	manifests/<term>-<writer>-<commit>-<identity>.json     a backup.Manifest
//
// Numbers are 16 hexadecimal digits. A term is a server's life: one more than the newest
// that it finds when it begins. The newest manifest is the last by its key: it is of the
// newest term, since an older server, which may still live on another machine, has other
// commits under the same numbers. A server that finds a newer term than its own, or another
// directory's manifest, uploads nothing any more. No clock decides anything.
//
//	Bucket     what is needed of object storage         bucket.go
//	OpenS3     it at a URL, by the S3 API               s3.go
//	Store      manifests and files in a bucket          store.go
//	Uploader   what a running server uploads            uploader.go
//	thin       which manifests stay                     thin.go
package objectstore
