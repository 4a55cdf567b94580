package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// ErrOrigin is returned by ParseOrigins for what is not an origin.
var ErrOrigin = errors.New("not an origin")

// Origins are the origins whose pages may read the answers, as browsers write
// them (RFC 6454, 6.2): scheme, host in ASCII, and a port if it is not the scheme's.
type Origins struct {
	any bool
	// list are whole origins, beneath those whose host ends with a domain.
	list    [][]byte
	beneath []subdomains
}

// subdomains are the origins beginning and ending with these texts, with at least
// a label between them: scheme://, then .domain and a port.
type subdomains struct{ beginning, ending []byte }

// ParseOrigins reads "*" or a comma-separated list of origins. One without a
// scheme stands for itself with https and with http; one whose host begins with
// "*." stands for every subdomain. An international name is written as it is
// spoken; the list has it as browsers send it.
func ParseOrigins(text string) (Origins, error) {
	var origins Origins
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSuffix(strings.TrimSpace(item), "/")
		switch {
		case item == "":
		case item == "*":
			origins.any = true
		case strings.EqualFold(item, "null"):
			return Origins{}, fmt.Errorf("%w: %q: it is what a browser says of any page whose origin it hides; name the page's origin, or use * for every page", ErrOrigin, item)
		default:
			if err := origins.add(item); err != nil {
				return Origins{}, err
			}
		}
	}
	if !origins.any && len(origins.list)+len(origins.beneath) == 0 {
		return Origins{}, fmt.Errorf("%w: %q: want * or a comma-separated list such as https://example.org", ErrOrigin, text)
	}
	return origins, nil
}

// add adds one origin of a list.
func (o *Origins) add(item string) error {
	scheme, host, found := strings.Cut(item, "://")
	schemes := []string{scheme}
	if !found {
		schemes, host = []string{"https", "http"}, item
	}
	domain, anyLabel := strings.CutPrefix(host, "*.")
	for _, scheme := range schemes {
		origin, err := canonicalOrigin(scheme, domain)
		if err != nil {
			return fmt.Errorf("%w: %q: want a host, with a scheme or without, and no path, such as https://example.org or *.example.org", err, item)
		}
		if anyLabel {
			beginning := len(scheme) + len("://")
			o.beneath = append(o.beneath, subdomains{[]byte(origin[:beginning]), []byte("." + origin[beginning:])})
			continue
		}
		o.list = append(o.list, []byte(origin))
	}
	return nil
}

// canonicalOrigin is an origin as a browser writes it.
func canonicalOrigin(scheme, host string) (string, error) {
	scheme = strings.ToLower(scheme)
	parsed, err := url.Parse(scheme + "://" + host)
	if err != nil || parsed.Hostname() == "" || strings.ContainsAny(host, "*/?#@ ") {
		return "", ErrOrigin
	}
	name := parsed.Hostname()
	if net.ParseIP(name) == nil {
		if name, err = hostNames.ToASCII(name); err != nil {
			return "", ErrOrigin
		}
	} else if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if port := parsed.Port(); port != "" && port != defaultPorts[scheme] {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return "", ErrOrigin
		}
		name += ":" + strconv.FormatUint(number, 10)
	}
	return scheme + "://" + strings.ToLower(name), nil
}

var (
	// hostNames reads names as browsers do (UTS #46), underscores included.
	hostNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))
	// defaultPorts are left out of origins.
	defaultPorts = map[string]string{"https": "443", "http": "80"}
)

// allows says whether a page of an origin may read the answers.
func (o *Origins) allows(origin []byte) bool {
	for _, allowed := range o.list {
		if bytes.EqualFold(origin, allowed) {
			return true
		}
	}
	for _, allowed := range o.beneath {
		if allowed.match(origin) {
			return true
		}
	}
	return false
}

// match takes a host for a subdomain if what is before the domain can be labels
// of a host.
func (s *subdomains) match(origin []byte) bool {
	if len(origin) <= len(s.beginning)+len(s.ending) {
		return false
	}
	labels := origin[len(s.beginning) : len(origin)-len(s.ending)]
	return bytes.EqualFold(origin[:len(s.beginning)], s.beginning) &&
		bytes.EqualFold(origin[len(origin)-len(s.ending):], s.ending) &&
		!bytes.ContainsAny(labels, ":/@?#[] ")
}
