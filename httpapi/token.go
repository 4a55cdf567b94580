package httpapi

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/valyala/fasthttp"
)

// errUnauthorized is the error for who must show a token and does not.
var errUnauthorized = &Error{fasthttp.StatusUnauthorized,
	"reading needs the header Authorization: Bearer, followed by the right token"}

// token is what readers must know.
type token struct{ digest [sha256.Size]byte }

// newToken returns nil for an empty text: everybody may read.
func newToken(text string) *token {
	if text == "" {
		return nil
	}
	return &token{sha256.Sum256([]byte(text))}
}

// admits says whether a request may read. How long that takes says nothing
// about the token: digests are compared, and in constant time.
func (t *token) admits(header *fasthttp.RequestHeader) bool {
	if t == nil {
		return true
	}
	scheme, credentials, _ := bytes.Cut(header.Peek(fasthttp.HeaderAuthorization), []byte(" "))
	digest := sha256.Sum256(bytes.TrimSpace(credentials))
	return subtle.ConstantTimeCompare(digest[:], t.digest[:]) == 1 && bytes.EqualFold(scheme, []byte("Bearer"))
}
