package httpapi

import (
	"errors"
	"net"
	"net/netip"
	"stats-recorder/httpapi/conn"
	"strconv"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// requestFrom is a request of a peer with headers, which are names and values in turn.
func requestFrom(peer string, headers ...string) *conn.Exchange {
	var request fasthttp.Request
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(&request, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(peer), 1234)), nil)
	return conn.Detached(ctx)
}

func TestTheClientIsTheLastAddressThatIsNoTrustedProxy(t *testing.T) {
	proxies, err := ParseProxies("10.0.0.0/8, 192.0.2.7,2001:db8::/32, ::ffff:198.51.100.1")
	if err != nil {
		t.Fatal(err)
	}
	const xff, forwarded = "X-Forwarded-For", "Forwarded"
	for _, test := range []struct {
		peer    string
		headers []string
		want    string
	}{
		{"203.0.113.1", nil, "203.0.113.1"},
		{"203.0.113.1", []string{xff, "1.1.1.1"}, "203.0.113.1"},
		{"203.0.113.1", []string{forwarded, "for=1.1.1.1"}, "203.0.113.1"},
		{"192.0.2.8", []string{xff, "1.1.1.1"}, "192.0.2.8"},
		{"::ffff:203.0.113.1", nil, "203.0.113.1"},
		{"10.1.1.1", nil, "10.1.1.1"},
		{"10.1.1.1", []string{xff, ""}, "10.1.1.1"},
		{"10.1.1.1", []string{xff, "1.1.1.1"}, "1.1.1.1"},
		{"::ffff:10.1.1.1", []string{xff, "1.1.1.1"}, "1.1.1.1"},
		{"198.51.100.1", []string{xff, "1.1.1.1"}, "1.1.1.1"},
		{"10.1.1.1", []string{xff, "9.9.9.9, 1.1.1.1 ,192.0.2.7,  10.2.2.2"}, "1.1.1.1"},
		{"10.1.1.1", []string{xff, "9.9.9.9", xff, "1.1.1.1,10.2.2.2", xff, "10.3.3.3"}, "1.1.1.1"},
		{"10.1.1.1", []string{xff, "10.2.2.2,10.3.3.3"}, "10.2.2.2"},
		{"10.1.1.1", []string{xff, "1.1.1.1, unknown, 10.2.2.2"}, "10.2.2.2"},
		{"10.1.1.1", []string{xff, "unknown"}, "10.1.1.1"},
		{"10.1.1.1", []string{xff, "1.1.1.1:8080"}, "1.1.1.1"},
		{"10.1.1.1", []string{xff, "[2a00::1]:8080"}, "2a00::1"},
		{"10.1.1.1", []string{xff, "2a00::1"}, "2a00::1"},
		{"2001:db8::1", []string{xff, "::ffff:1.1.1.1"}, "1.1.1.1"},
		{"10.1.1.1", []string{forwarded, "for=1.1.1.1"}, "1.1.1.1"},
		{"10.1.1.1", []string{forwarded, `for=9.9.9.9, For="[2a00::1]:99";proto=https;by=10.1.1.1, for=10.2.2.2`}, "2a00::1"},
		{"10.1.1.1", []string{forwarded, `proto=http; for="1.1.1.1:80"`}, "1.1.1.1"},
		{"10.1.1.1", []string{forwarded, "for=_hidden"}, "10.1.1.1"},
		{"10.1.1.1", []string{forwarded, "proto=https"}, "10.1.1.1"},
		{"10.1.1.1", []string{xff, "1.1.1.1", forwarded, "for=1.1.1.1"}, "1.1.1.1"},
		{"10.1.1.1", []string{xff, "1.1.1.1", forwarded, "for=9.9.9.9"}, "10.1.1.1"},
	} {
		got := proxies.clientAddress(requestFrom(test.peer, test.headers...))
		if got != netip.MustParseAddr(test.want) {
			t.Errorf("%s with %q is %v, want %s", test.peer, test.headers, got, test.want)
		}
	}
}

func TestProxiesThatAreNoAddressesAreRefused(t *testing.T) {
	for _, text := range []string{"localhost", "10.0.0.0/33", "1.2.3.4:80", "10.0.0.0/8,x", "1.2.3"} {
		if _, err := ParseProxies(text); !errors.Is(err, ErrProxies) {
			t.Errorf("%q: %v, want ErrProxies", text, err)
		}
	}
}

// limitedServer is a server of which only the limiter is used.
func limitedServer(perSecond float64, burst int) *Server {
	return &Server{limiter: newRateLimiter(RateLimit{PerSecond: perSecond, Burst: burst}), metrics: newMetrics(nil)}
}

// sends charges a client for records, and returns the error of that.
func (s *Server) sends(client string, now time.Time, records int) error {
	bucket, err := s.admit(requestFrom(client), now)
	if err != nil {
		return err
	}
	return s.charge(bucket, now, records)
}

func TestAClientIsLimitedToItsRateAndBurst(t *testing.T) {
	s, now := limitedServer(10, 100), time.Unix(1_000_000, 0)
	for _, step := range []struct {
		after   time.Duration
		records int
		wait    int // how long the client is told to; -1 for too many at once
	}{
		{0, 60, 0}, {0, 41, 1}, {0, 40, 0}, {0, 1, 1}, {0, 0, 1},
		{100 * time.Millisecond, 1, 0}, {0, 100, 1}, {0, 101, 1},
		{time.Second, 10, 0}, {5 * time.Second, 51, 1}, {0, 50, 0}, {time.Second, 30, 2},
		{time.Second, 101, -1}, {time.Hour, 100, 0}, {0, 1, 1},
	} {
		now = now.Add(step.after)
		err := s.sends("192.0.2.1", now, step.records)
		var limited *limitError
		var refused *Error
		switch {
		case step.wait == 0 && err != nil:
			t.Errorf("%d records: %v", step.records, err)
		case step.wait > 0 && (!errors.As(err, &limited) || limited.seconds != step.wait):
			t.Errorf("%d records: %v, want to wait %d seconds", step.records, err, step.wait)
		case step.wait < 0 && (!errors.As(err, &refused) || refused.Status != fasthttp.StatusRequestEntityTooLarge):
			t.Errorf("%d records: %v, want 413", step.records, err)
		}
	}
	if err := s.sends("192.0.2.2", now, 100); err != nil {
		t.Errorf("another client: %v", err)
	}
}

func TestIPv6ClientsAreLimitedByNetwork(t *testing.T) {
	s, now := limitedServer(1, 1), time.Unix(1_000_000, 0)
	for client, admitted := range map[string]bool{"2a00:0:0:1::1": true, "2a00:0:0:2::1": true} {
		if err := s.sends(client, now, 1); (err == nil) != admitted {
			t.Errorf("%s: %v", client, err)
		}
	}
	if s.sends("2a00:0:0:1:ffff::9", now, 1) == nil {
		t.Error("another address of a network has a bucket of its own")
	}
}

func TestTheLimiterIsBoundedAndForgetsWhoWasNotSeenLongest(t *testing.T) {
	s, now := limitedServer(1, 1), time.Unix(1_000_000, 0)
	s.limiter.size = 100
	send := func(i int) error { return s.sends("10.0."+strconv.Itoa(i/250)+"."+strconv.Itoa(i%250), now, 1) }
	if send(0) != nil {
		t.Fatal("the first record is limited")
	}
	for i := range 10_000 {
		if send(i+1) != nil && i > 0 {
			t.Fatalf("address %d is limited", i+1)
		}
		if send(0) == nil {
			t.Fatalf("an address in use is forgotten after %d others", i+1)
		}
		if known := len(s.limiter.current) + len(s.limiter.previous); known > 200 {
			t.Fatalf("%d addresses are known, want at most 200", known)
		}
	}
	if send(5000) != nil {
		t.Error("an address that was not seen for long is remembered")
	}
}

func TestNoLimitTakesNoTime(t *testing.T) {
	s, ctx := limitedServer(0, 100), requestFrom("192.0.2.1")
	if allocations := testing.AllocsPerRun(100, func() {
		bucket, err := s.admit(ctx, time.Time{})
		if err != nil || s.charge(bucket, time.Time{}, 1_000_000) != nil {
			t.Error("limited without a limit")
		}
	}); allocations > 0 {
		t.Errorf("%v allocations, want none", allocations)
	}
}
