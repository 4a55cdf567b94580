package httpapi

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"

	"stats-recorder/httpapi/conn"
)

const (
	// maxLimited is how many addresses a generation of a rateLimiter has.
	maxLimited = 1 << 16
	// limiterBytes is what two full generations take.
	limiterBytes = 2 * maxLimited * 256
)

// RateLimit bounds how many records clients may send. The zero value does not.
type RateLimit struct {
	// PerSecond is how many records a second an address may send in the long run.
	PerSecond float64
	// Burst is how many it may send at once.
	Burst int
	// Proxies say which clients they forward for.
	Proxies Proxies
}

// rateLimiter counts records by client address; those of IPv6 by network of 64
// bits, which is what one client has.
//
// It remembers the addresses in two generations. When the current one is full,
// the previous one is forgotten with the addresses that have not been seen since
// it was the current one, and they begin anew with a whole burst. So memory is
// bounded, and who has that many addresses is not limited by this.
type rateLimiter struct {
	RateLimit
	size int

	mu                sync.Mutex
	current, previous map[netip.Addr]*rate.Limiter // guarded by mu
}

// newRateLimiter returns nil when there is no limit.
func newRateLimiter(limit RateLimit) *rateLimiter {
	if limit.PerSecond <= 0 {
		return nil
	}
	return &rateLimiter{RateLimit: limit, size: maxLimited, current: map[netip.Addr]*rate.Limiter{}}
}

// bucket returns the bucket of an address.
func (l *rateLimiter) bucket(address netip.Addr) *rate.Limiter {
	if address.Is6() {
		network, _ := address.Prefix(64) // Is6, so it has as many bits
		address = network.Addr()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.current[address]
	if bucket != nil {
		return bucket
	}
	if bucket = l.previous[address]; bucket == nil {
		bucket = rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst)
	}
	if len(l.current) >= l.size {
		l.previous, l.current = l.current, map[netip.Addr]*rate.Limiter{}
	}
	l.current[address] = bucket
	return bucket
}

// admit says whether a client may send anything, before any work is done.
func (s *Server) admit(x *conn.Exchange, now time.Time) (*rate.Limiter, error) {
	if s.limiter == nil {
		return nil, nil
	}
	bucket := s.limiter.bucket(s.limiter.Proxies.clientAddress(x))
	if bucket.TokensAt(now) < 1 {
		return bucket, s.limited(bucket, now, 1)
	}
	return bucket, nil
}

// charge takes a batch off a client's bucket: every record costs what it
// costs to look at, and nothing costs as much as one.
func (s *Server) charge(bucket *rate.Limiter, now time.Time, records int) error {
	if bucket == nil || bucket.AllowN(now, max(records, 1)) {
		return nil
	}
	if records > s.limiter.Burst {
		s.metrics.limited(records)
		return &Error{fasthttp.StatusRequestEntityTooLarge,
			fmt.Sprintf("%d records are more than the %d that may be sent at once: send fewer at a time; nothing was recorded",
				records, s.limiter.Burst)}
	}
	return s.limited(bucket, now, records)
}

// limited is the error for a client that has to wait until its bucket has
// enough for so many records.
func (s *Server) limited(bucket *rate.Limiter, now time.Time, records int) error {
	s.metrics.limited(records)
	missing := float64(records) - bucket.TokensAt(now)
	seconds := max(1, int(math.Ceil(missing/s.limiter.PerSecond)))
	return &limitError{seconds}
}

// limitError says how long a client has to wait.
type limitError struct{ seconds int }

// Error says so to a person.
func (e *limitError) Error() string {
	return "too many records from this address, so nothing was recorded: send them again in " + strconv.Itoa(e.seconds) + " seconds"
}
