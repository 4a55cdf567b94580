package httpapi

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

// errUnauthorized is the error for who must show a token and does not.
var errUnauthorized = &Error{fasthttp.StatusUnauthorized,
	"reading needs the header Authorization: Bearer, followed by the right token"}

// An Access is how a client shows that it may read, where there is a READ_TOKEN.
type Access int

const (
	// AccessByToken is by the token, as Bearer.
	AccessByToken Access = iota
	// AccessByBrowser is by the token as Bearer or as the password of Basic, for which
	// a browser asks by itself, or by a link that shares just this view.
	AccessByBrowser
)

// challenge is what tells a client how to ask.
func (a Access) challenge() string {
	if a == AccessByBrowser {
		return `Basic realm="statistics", charset="UTF-8", Bearer realm="statistics"`
	}
	return `Bearer realm="statistics"`
}

// admits says whether a request may read.
func (s *Server) admits(x *conn.Exchange, access Access, query Query) bool {
	if s.token == nil {
		return true
	}
	scheme, credentials, _ := bytes.Cut(x.Request.Header.Peek(fasthttp.HeaderAuthorization), []byte(" "))
	credentials = bytes.TrimSpace(credentials)
	switch {
	case bytes.EqualFold(scheme, []byte("Bearer")):
		return s.token.is(credentials)
	case access != AccessByBrowser:
		return false
	case bytes.EqualFold(scheme, []byte("Basic")):
		return s.token.is(passwordOf(credentials))
	default:
		path := strings.ToLower(string(requestPath(x)))
		return admitsShare(s.config.ReadToken, path, query, s.config.Now())
	}
}

// passwordOf is the password of Basic credentials (RFC 7617), whoever the user is; nil
// of others.
func passwordOf(credentials []byte) []byte {
	decoded, err := base64.StdEncoding.AppendDecode(nil, credentials)
	if err != nil {
		return nil
	}
	_, password, _ := bytes.Cut(decoded, []byte(":"))
	return password
}

// token is what readers must know.
type token struct{ digest [sha256.Size]byte }

// newToken returns nil for an empty text: everybody may read.
func newToken(text string) *token {
	if text == "" {
		return nil
	}
	return &token{sha256.Sum256([]byte(text))}
}

// is says whether a text is the token. How long that takes says nothing about the
// token: digests are compared, and in constant time.
func (t *token) is(text []byte) bool {
	digest := sha256.Sum256(text)
	return subtle.ConstantTimeCompare(digest[:], t.digest[:]) == 1
}
