// Package blackbox is how a test meets the server: in this process or as the built
// binary, by requests and what must be in their replies, and by a client's own account
// of what was acknowledged.
package blackbox
