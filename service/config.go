package service

import (
	"errors"
	"log/slog"
	"time"

	"stats-recorder/backup/objectstore"
	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/httpapi/records"
	"stats-recorder/idempotency"
	"stats-recorder/insight"
	"stats-recorder/snapshot"
	"stats-recorder/visitors"
)

// Config is everything a running server can be told. DefaultConfig has the
// documented defaults; Run validates what it is given. Settings has a row for
// each field that a person can set.
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
	// to; see counters.Limits. MaxCounters 0 follows the memory.
	MaxBenefits, MaxCounters int
	// BenefitsFile lists the benefits that exist, one a line; empty lets any be.
	BenefitsFile string
	// Insight is whether the public may read /insight: "on" or "off".
	Insight string
	// Stages are the event types of each stage, as insight.ParseStages reads them; empty
	// for its defaults.
	Stages string
	// LabelsFile has labels and groups of benefits; empty for none. See
	// report.ReadLabels.
	LabelsFile string
	// SiteTitle is the name of the site on the page; empty for a general one.
	SiteTitle string
	// TimeZone is the IANA name of the zone of the page's hours and dates.
	TimeZone string
	// PageIndexable lets search engines keep the page.
	PageIndexable bool
	// InsightCacheBytes bounds what is kept of windows that were read and fitted; 0
	// follows the memory.
	InsightCacheBytes int
	// IdempotencyWindow is how long the key of a batch is remembered; 0 means not at all.
	// IdempotencyKeys is how many are; 0 means as many as fit the memory.
	IdempotencyWindow time.Duration
	IdempotencyKeys   int
	// Visitors has visitors counted, but for ids that begin with one of AnonymousIDs; the
	// others bound what that takes for a day, see visitors.Limits. MaxVisitors and
	// MaxVisitorPairs 0 follow the memory.
	Visitors                                  bool
	AnonymousIDs                              []string
	MaxVisitors, MaxVisitorPairs, MaxVariants int
	// VisitorsRetention is how long sums over visitors are kept, whether they are still
	// counted or not; 0 means as long as the counts of their day.
	VisitorsRetention time.Duration
	// MaxLive is how many clients may listen at /insight/live at a time.
	MaxLive int
	// BackupURL is the place in object storage where everything is kept too; empty for
	// none. BackupInterval is how often what is new is uploaded.
	BackupURL      string
	BackupInterval time.Duration
	// Retention is how long closed days are kept; 0 means for ever.
	Retention time.Duration
	// AdminAddr is where the person on call is served, see package admin; empty
	// or "off" serves nobody.
	AdminAddr string
	// AccessLog makes Logger receive a line for each request too.
	AccessLog bool
	// LogLevel is the least level that the command line's logger writes.
	LogLevel slog.Level

	// Bounds limit what clients can make the server hold, and for how long. Connections
	// and AnswerBytes 0 follow the memory.
	Bounds httpapi.Bounds
	// RateLimit is how many records a second a client may send; 0 is any number.
	// RateBurst is how many at once.
	RateLimit, RateBurst int
	// TrustedProxies is a comma-separated list of addresses and networks that are
	// believed when they name their client.
	TrustedProxies string
	// ReadToken is the token that readers must show; empty for none.
	ReadToken string
	// TLSCert and TLSKey are the files to speak TLS with; empty for plain HTTP.
	TLSCert, TLSKey string

	// Log says how the server counts with others.
	Log LogConfig

	// Logger receives the server's log; nil discards it.
	Logger *slog.Logger
	// Now is the clock, the only one that says what time of day it is; nil is time.Now.
	Now func() time.Time

	// parsed is what Validate has read from the texts above.
	parsed parsed
	// waiting is how many records may wait to be durable, as the memory allows.
	waiting int
	// journalSize is the size of journal files, of which a start has one in memory, and
	// cachedCounters how many counters of windows are kept, as the memory allows.
	journalSize    int64
	cachedCounters int
	// inflaters is how many bodies the memory allows to be inflated at one time, readers
	// how many answers to reads to be made.
	inflaters, readers int
}

// parsed are the settings whose text means something more than itself.
type parsed struct {
	origins    httpapi.Origins
	durability snapshot.Durability
	proxies    httpapi.Proxies
	backup     *objectstore.Location // nil for none
	insight    bool
	zone       *time.Location
	stages     insight.Stages
}

// ErrConfig is wrapped by the error for a setting that makes no sense.
var ErrConfig = errors.New("bad setting")

// DefaultAdminAddr is where the command line has the person on call served.
const DefaultAdminAddr = "127.0.0.1:4001"

// DefaultConfig returns the configuration that docs/settings.md documents, but
// for ADMIN_ADDR: a server that a program starts has no admin address.
func DefaultConfig() Config {
	return Config{
		Port:             4000,
		CORSDomain:       "*",
		DataDir:          "data",
		SnapshotInterval: time.Minute,
		BackupInterval:   time.Minute,
		MaxEventAge:      48 * time.Hour,
		MaxBodyBytes:     128 << 10,
		Durability:       "always",
		Insight:          "on",
		TimeZone:         "Europe/Paris",
		MaxBenefits:      10_000,
		Visitors:         true,
		AnonymousIDs:     []string{"uid_"},
		MaxVariants:      visitors.DefaultLimits().Variants,

		VisitorsRetention: 760 * 24 * time.Hour,

		MaxLive:   32,
		Bounds:    boundsByMemory(),
		RateBurst: 1000,

		IdempotencyWindow: 24 * time.Hour,

		Log: defaultLogConfig(),
	}
}

// boundsByMemory are the default bounds without those that follow the memory.
func boundsByMemory() httpapi.Bounds {
	bounds := httpapi.DefaultBounds()
	bounds.Connections, bounds.AnswerBytes = 0, 0
	return bounds
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

// keeperOptions are for a Config that Validate has read.
func (c Config) keeperOptions(observer snapshot.Observer) snapshot.Options {
	return snapshot.Options{
		Directory:        c.DataDir,
		Durability:       c.parsed.durability,
		SnapshotInterval: c.SnapshotInterval,
		MaxEventAge:      c.MaxEventAge,
		EventTypes:       records.BuiltInEvents,
		Retention:        c.Retention,
		PassingRetention: c.VisitorsRetention,
		ExpiresTogether:  c.expiresTogether(),
		Keys:             &idempotency.Bounds{Age: c.IdempotencyWindow, Keys: c.IdempotencyKeys},
		JournalSize:      c.journalSize,
		CachedCounters:   c.cachedCounters,
		Adders:           c.readers,
		Observer:         observer,
		Logger:           c.Logger,
		Now:              c.Now,
	}
}

// serverConfig is for a Config that Validate has read.
func (c Config) serverConfig(keeper *snapshot.Keeper, beside *beside) httpapi.Config {
	config := httpapi.Config{
		Store:        keeper.Store(),
		Recorder:     keeper,
		History:      keeper.History(),
		Origins:      c.parsed.origins,
		EventTypes:   c.EventTypes,
		Limits:       counters.Limits{Benefits: c.MaxBenefits, Counters: c.MaxCounters, Waiting: c.waiting},
		MaxEventAge:  c.MaxEventAge,
		MaxBodyBytes: c.MaxBodyBytes,
		Bounds:       c.Bounds,
		Inflaters:    c.inflaters,
		Readers:      c.readers,
		Scratch:      c.scratch(keeper),
		RateLimit:    httpapi.RateLimit{PerSecond: float64(c.RateLimit), Burst: c.RateBurst, Proxies: c.parsed.proxies},
		ReadToken:    c.ReadToken,
		AccessLog:    c.AccessLog,
		Now:          c.Now,
		Expected:     keeper.ExpectedTime,
		Logger:       c.Logger,
	}
	if c.IdempotencyWindow > 0 {
		config.Once = keeper
	}
	if beside.oddities != nil {
		config.Oddities = beside.oddities
	}
	if beside.visitors != nil {
		config.Visitors = beside.visitors
	}
	return config
}
