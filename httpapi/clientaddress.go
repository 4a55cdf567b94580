package httpapi

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"stats-recorder/httpapi/conn"
)

// ErrProxies is returned by ParseProxies for what is not a list of addresses.
var ErrProxies = errors.New("not an address or a network")

// Proxies are the addresses whose word is taken for who their client is. The zero
// Prefix stands for those on this machine that connect by a unix socket, which have
// none.
type Proxies []netip.Prefix

// unixProxies is what a list says for the zero Prefix.
const unixProxies = "unix"

// ParseProxies reads a comma-separated list of addresses and CIDR networks, and of
// "unix" for the other end of a unix socket.
func ParseProxies(text string) (Proxies, error) {
	var proxies Proxies
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		switch item {
		case "":
			continue
		case unixProxies:
			proxies = append(proxies, netip.Prefix{})
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if address, bare := netip.ParseAddr(item); bare == nil {
			prefix, err = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %q: want a comma-separated list such as 127.0.0.1,10.0.0.0/8,unix", ErrProxies, item)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, nil
}

func (p Proxies) trusts(address netip.Addr) bool {
	if !address.IsValid() {
		return slices.Contains(p, netip.Prefix{})
	}
	for _, prefix := range p {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// clientAddress returns who sent a request: the peer, or, when that is a
// trusted proxy, the last address it was forwarded for that is none. The zero
// Addr means that the connection has no address.
//
// When both X-Forwarded-For and Forwarded (RFC 7239) are there and disagree,
// one of them was made up by a client and passed on by a proxy that knows only
// the other. It cannot be told which, so all such requests count as the proxy's.
func (p Proxies) clientAddress(x *conn.Exchange) netip.Addr {
	peer := x.Client()
	if !p.trusts(peer) {
		return peer
	}
	// What PeekAll returns is only valid until it is called again.
	lines := x.Request.Header.PeekAll("X-Forwarded-For")
	hasCommon, common := len(lines) > 0, p.origin(peer, lines, func(item string) string { return item })
	lines = x.Request.Header.PeekAll("Forwarded")
	hasStandard, standard := len(lines) > 0, p.origin(peer, lines, forwardedFor)
	switch {
	case !hasStandard || common == standard:
		return common
	case !hasCommon:
		return standard
	default:
		return peer
	}
}

// origin follows a list of forwarders back from the peer to the first that is
// not trusted. It stops at what is not an address.
func (p Proxies) origin(peer netip.Addr, lines [][]byte, addressIn func(item string) string) netip.Addr {
	for i := len(lines) - 1; i >= 0; i-- {
		items := strings.Split(string(lines[i]), ",")
		for j := len(items) - 1; j >= 0; j-- {
			address, ok := parseForwarder(addressIn(strings.TrimSpace(items[j])))
			if !ok {
				return peer
			}
			if peer = address; !p.trusts(peer) {
				return peer
			}
		}
	}
	return peer
}

// forwardedFor is the "for" parameter of an element of a Forwarded header.
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// parseForwarder reads an address that may have a port, and then has brackets
// if it is of IPv6.
func parseForwarder(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(text)
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), err == nil
}
