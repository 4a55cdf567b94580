package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/snapshot"
)

// Config is everything a running server can be told. DefaultConfig has the
// documented defaults; Run validates what it is given.
type Config struct {
	// Host is the address to bind; empty binds all interfaces.
	Host string
	// Port is the TCP port; 0 picks a free one.
	Port int
	// CORSDomain is "*" or a comma-separated list of origins.
	CORSDomain string
	// DataDir holds everything that is kept on disk.
	DataDir string
	// SnapshotInterval is how often a changed state is written as a snapshot.
	SnapshotInterval time.Duration
	// EventTypes are the event types accepted beside the built-in ones.
	EventTypes []string
	// MaxEventAge is how old a record's created_at may be; 0 means no limit.
	MaxEventAge time.Duration
	// MaxBodyBytes limits a request body, counted after inflation.
	MaxBodyBytes int
	// Durability is what an acknowledgement means: "always", "everysec" or "snapshot".
	Durability string
	// MaxBenefits and MaxCounters bound what the public can make the counts grow
	// to; see counters.Limits.
	MaxBenefits, MaxCounters int
	// BenefitsFile lists the benefits that exist, one a line; empty lets any be.
	BenefitsFile string
	// Retention is how long closed days are kept; 0 means for ever.
	Retention time.Duration
	// AdminAddr is where the person on call is served, see package admin; empty
	// or "off" serves nobody.
	AdminAddr string
	// AccessLog makes Logger receive a line for each request too.
	AccessLog bool
	// Exposure is what the public may do.
	Exposure
	// Logger receives the server's log; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// ErrConfig is wrapped by the error for a setting that makes no sense.
var ErrConfig = errors.New("bad setting")

// defaultAdminAddr is where the command line has the person on call served.
const defaultAdminAddr = "127.0.0.1:4001"

// DefaultConfig returns the configuration that the README's table documents.
func DefaultConfig() Config {
	return Config{
		Port:             4000,
		CORSDomain:       "*",
		DataDir:          "data",
		SnapshotInterval: time.Minute,
		MaxEventAge:      48 * time.Hour,
		MaxBodyBytes:     128 << 10,
		Durability:       "always",
		MaxBenefits:      10_000,
		MaxCounters:      20_000_000,
		Exposure:         defaultExposure(),
	}
}

// Validate returns an error, which wraps ErrConfig and names the variable, for
// the first setting that makes no sense.
func (c Config) Validate() error {
	wrong := func(name, format string, arguments ...any) error {
		return fmt.Errorf("%w: %s: %w", ErrConfig, name, fmt.Errorf(format, arguments...))
	}
	switch {
	case c.Port < 0 || c.Port > 65535:
		return wrong("PORT", "%d: want 0 to 65535", c.Port)
	case c.DataDir == "":
		return wrong("DATA_DIR", "is empty: want a directory")
	case c.SnapshotInterval < time.Millisecond:
		return wrong("SNAPSHOT_INTERVAL", "%s: want at least 1ms", c.SnapshotInterval)
	case c.MaxEventAge < 0:
		return wrong("MAX_EVENT_AGE", "%s: want 0 or more", c.MaxEventAge)
	case c.Retention < 0 || (c.Retention > 0 && c.Retention < c.MaxEventAge+24*time.Hour):
		return wrong("RETENTION", "%s: want 0, or at least a day more than MAX_EVENT_AGE", c.Retention)
	case c.MaxBodyBytes < 1 || c.MaxBodyBytes > 1<<30:
		return wrong("MAX_BODY_BYTES", "%d: want 1 to %d", c.MaxBodyBytes, 1<<30)
	}
	if c.MaxBenefits < 1 || c.MaxBenefits >= counters.MaxBenefits {
		return wrong("MAX_BENEFITS", "%d: want 1 to %d", c.MaxBenefits, counters.MaxBenefits-1)
	}
	if c.MaxCounters < 1 {
		return wrong("MAX_COUNTERS", "%d: want 1 or more", c.MaxCounters)
	}
	for _, name := range c.EventTypes {
		if name == "" || len(name) > 64 {
			return wrong("EVENT_TYPES", "%q: want names of 1 to 64 bytes", name)
		}
	}
	if _, err := httpapi.ParseOrigins(c.CORSDomain); err != nil {
		return wrong("CORS_DOMAIN", "%w", err)
	}
	if _, err := snapshot.ParseDurability(c.Durability); err != nil {
		return wrong("DURABILITY", "%w", err)
	}
	if err := c.checkAdminAddr(); err != nil {
		return wrong("ADMIN_ADDR", "%w", err)
	}
	return c.Exposure.check(wrong)
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// keeperOptions and serverConfig are for a valid Config.
func (c Config) keeperOptions(operator *operator) snapshot.Options {
	durability, _ := snapshot.ParseDurability(c.Durability)
	return snapshot.Options{
		Directory:        c.DataDir,
		Durability:       durability,
		SnapshotInterval: c.SnapshotInterval,
		MaxEventAge:      c.MaxEventAge,
		Retention:        c.Retention,
		Observer:         operator.metrics,
		Logger:           c.Logger,
		Now:              c.Now,
	}
}

func (c Config) serverConfig(keeper *snapshot.Keeper) httpapi.Config {
	origins, _ := httpapi.ParseOrigins(c.CORSDomain)
	config := httpapi.Config{
		Store:        keeper.Store(),
		Recorder:     keeper,
		History:      keeper.History(),
		Origins:      origins,
		EventTypes:   c.EventTypes,
		Limits:       counters.Limits{Benefits: c.MaxBenefits, Counters: c.MaxCounters},
		MaxEventAge:  c.MaxEventAge,
		MaxBodyBytes: c.MaxBodyBytes,
		AccessLog:    c.AccessLog,
		Now:          c.Now,
		Logger:       c.Logger,
	}
	c.Exposure.apply(&config)
	return config
}
