package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parameterShare is the parameter of a link that lets its owner read without a token.
const parameterShare = "share"

// MaxShare is how long a shared link is good at most.
const MaxShare = 30 * 24 * time.Hour

// ErrShare is returned for a link that cannot be shared.
var ErrShare = errors.New("cannot share the link")

// ShareLink is a link with which a client may read, without the token, exactly what
// it asks for, until an instant at most MaxShare from now. Another path, another
// parameter or another value needs another link. A new token ends all. It returns
// ErrShare for an address that is none, and for another time.
func ShareLink(token, link string, now, until time.Time) (string, error) {
	address, err := url.Parse(link)
	if err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https") {
		return "", fmt.Errorf("%w: %q: want an address such as https://host/insight/benefits?start_at=2026-01-01", ErrShare, link)
	}
	if address.User != nil {
		return "", fmt.Errorf("%w: it has a name or a password in it, which everybody who gets it would read", ErrShare)
	}
	if !until.After(now) || until.Sub(now) > MaxShare {
		return "", fmt.Errorf("%w: it is to be good for %s: want at most %s", ErrShare, until.Sub(now), MaxShare)
	}
	query := Query{}
	for part := range strings.SplitSeq(address.RawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		query = append(query, Parameter{unescape(name), unescape(value)})
	}
	query = query.shared()
	path := strings.ToLower(strings.TrimSuffix(address.EscapedPath(), "/"))
	share := seal(token, path, query, until.Unix())
	address.RawQuery = encode(append(query, Parameter{parameterShare, base64.RawURLEncoding.EncodeToString(share)}))
	address.Fragment = ""
	return address.String(), nil
}

// unescape decodes a part of a query as fasthttp does: what is no escape is itself.
func unescape(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return decoded
	}
	return text
}

// shared are the parameters that a shared link stands for.
func (q Query) shared() Query {
	kept := Query{}
	for _, p := range q {
		if p.Name != parameterShare && p != (Parameter{}) {
			kept = append(kept, p)
		}
	}
	return kept
}

// encode is a query as text, in the order of its parameters.
func encode(q Query) string {
	parts := make([]string, len(q))
	for i, p := range q {
		parts[i] = url.QueryEscape(p.Name) + "=" + url.QueryEscape(p.Value)
	}
	return strings.Join(parts, "&")
}

// seal is the end of a link in seconds since 1970, as 8 bytes, and the HMAC-SHA256
// under the token of path, sorted query and end, a line each.
func seal(token, path string, query Query, until int64) []byte {
	sorted := slices.SortedFunc(slices.Values(query), func(a, b Parameter) int {
		return strings.Compare(a.Name+"\x00"+a.Value, b.Name+"\x00"+b.Value)
	})
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(path + "\n" + encode(sorted) + "\n" + strconv.FormatInt(until, 10)))
	return mac.Sum(binary.BigEndian.AppendUint64(nil, uint64(until)))
}

// admitsShare says whether a query has a share that lets it be read.
func admitsShare(token, path string, query Query, now time.Time) bool {
	share, err := base64.RawURLEncoding.DecodeString(query.First(parameterShare))
	if err != nil || len(share) != 8+sha256.Size {
		return false
	}
	until := int64(binary.BigEndian.Uint64(share))
	if left := until - now.Unix(); left <= 0 || left > int64(MaxShare/time.Second) {
		return false
	}
	return hmac.Equal(share, seal(token, path, query.shared(), until))
}

// known are the names of the parameters that the read or its access knows.
func (r Read) known() []string {
	if r.Access != AccessByBrowser {
		return r.Parameters
	}
	return append(slices.Clone(r.Parameters), parameterShare)
}
