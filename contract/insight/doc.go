// Package insight has no code: its tests hold a running server to what docs/insight.md
// says of /insight.
package insight
