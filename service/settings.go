package service

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"time"

	"stats-recorder/backup/objectstore"
	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/snapshot"
)

// Settings is the table of all settings, bound to the fields of this Config. The
// command line makes its flags of it, the environment is read by it, Validate
// checks by it, and docs/settings.md is written from it.
func (c *Config) Settings() []Setting {
	return slices.Concat(c.networkSettings(), c.dataSettings(), c.recordsSettings(), c.insightSettings(), c.visitorsSettings(), c.boundsSettings(), c.operationSettings(), c.Log.settings(&c.parsed.durability))
}

const (
	leastTimeout = time.Millisecond
	mostBytes    = 1 << 30
)

func (c *Config) networkSettings() []Setting {
	return []Setting{
		number("port", groupNetwork, &c.Port, 0, 65535, "TCP port; 0 picks a free one, and the log says which"),
		text("host", groupNetwork, &c.Host, "address to bind").shown("all interfaces"),
		meaning("cors-domain", groupNetwork, &c.CORSDomain, &c.parsed.origins, httpapi.ParseOrigins,
			"* or a comma-separated list of origins whose pages may read the answers; one without a scheme stands for https and http, *.example.org for its subdomains"),
		meaning("trusted-proxies", groupNetwork, &c.TrustedProxies, &c.parsed.proxies, httpapi.ParseProxies,
			"comma-separated addresses or networks of proxies, or unix for the other end of a unix socket whose X-Forwarded-For or Forwarded names the client").shown("none"),
		text("read-token", groupNetwork, &c.ReadToken,
			"bearer token that readers must show; better as a variable than as a flag, which other users can see").shown("none"),
		text("tls-cert", groupNetwork, &c.TLSCert,
			"file with the certificate and its chain; read again on SIGHUP").shown("none").checked(c.checkTLSPair),
		text("tls-key", groupNetwork, &c.TLSKey, "file with the certificate's key; read again on SIGHUP").shown("none"),
	}
}

func (c *Config) dataSettings() []Setting {
	return []Setting{
		text("data-dir", groupData, &c.DataDir, "directory of everything that is kept on disk").checked(c.checkDataDir).shared(),
		duration("snapshot-interval", groupData, &c.SnapshotInterval, time.Millisecond, "how often a changed state is written as a compressed snapshot"),
		meaning("durability", groupData, &c.Durability, &c.parsed.durability, snapshot.ParseDurability,
			"what an acknowledged record survives: always, everysec or snapshot"),
		meaning("backup-url", groupData, &c.BackupURL, &c.parsed.backup, parseBackupURL,
			"place in object storage to keep everything in too, and to restore from into an empty DATA_DIR: s3://bucket/prefix?endpoint=https://host&region=name").shown("none"),
		duration("backup-interval", groupData, &c.BackupInterval, time.Second, "how often what is new is uploaded: what a lost disk costs"),
		duration("retention", groupData, &c.Retention, 0, "how long closed days are kept, such as 1095d; sums of all time keep what they counted").shown("for ever").checked(c.checkRetention),
	}
}

func (c *Config) recordsSettings() []Setting {
	return []Setting{
		list("event-types", groupRecords, &c.EventTypes, 64, "comma-separated event types accepted beside the built-in ones; of more than 45 that are counted, the later ones count as __other__"),
		duration("max-event-age", groupRecords, &c.MaxEventAge, 0, "how old a record's created_at may be; 0 means no limit"),
		duration("idempotency-window", groupRecords, &c.IdempotencyWindow, 0,
			"how long the Idempotency-Key of a batch is remembered, in time that the server runs, such as 3d; 0 means not at all"),
		text("benefits-file", groupRecords, &c.BenefitsFile, "file with the benefits that exist, one a line; records of any other are rejected; read again on SIGHUP").shown("none"),
	}
}

func (c *Config) insightSettings() []Setting {
	return []Setting{
		meaning("insight", groupInsight, &c.Insight, &c.parsed.insight, parseInsight,
			"whether /insight is on the public port: on or off; it is always on ADMIN_ADDR"),
		meaning("stages", groupInsight, &c.Stages, &c.parsed.stages, parseStages,
			"event types of the stages shown, opened and acted, such as opened:details,more;acted:form, in place of their defaults").shown("those of the contract"),
		number("max-live", groupInsight, &c.MaxLive, 1, 10_000, "clients that listen at /insight/live at one time; one more gets 503"),
		text("labels-file", groupInsight, &c.LabelsFile,
			"file with labels and groups of benefits: CSV with the columns id, label, group and type, or the JSON of a list of benefits; read again on SIGHUP").shown("none"),
		number("insight-cache-bytes", groupInsight, &c.InsightCacheBytes, 1, math.MaxInt,
			"limit of what is kept of windows for which /insight was asked").byMemory(&c.InsightCacheBytes),
		text("site-title", groupInsight, &c.SiteTitle, "name of the site at the head of the page under /insight/").shown("a general one"),
		meaning("time-zone", groupInsight, &c.TimeZone, &c.parsed.zone, parseZone, "IANA time zone of the hours and dates on the page"),
		onOff("page-indexable", groupInsight, &c.PageIndexable, "let search engines keep the page"),
	}
}

func (c *Config) visitorsSettings() []Setting {
	return []Setting{
		onByDefault("visitors", groupVisitors, &c.Visitors, "on, or off: count visitors and experiments, without keeping anybody"),
		list("anonymous-ids", groupVisitors, &c.AnonymousIDs, 256, "comma-separated beginnings of a hash_id that is no visitor's"),
		number("max-visitors", groupVisitors, &c.MaxVisitors, 1, 1<<28,
			"visitors of a day that are told apart; of more, a sample is").byMemory(&c.MaxVisitors),
		number("max-visitor-pairs", groupVisitors, &c.MaxVisitorPairs, 1, 1<<30,
			"pairs of visitor and benefit of a day that are told apart; of more, a sample is").byMemory(&c.MaxVisitorPairs),
		duration("visitors-retention", groupVisitors, &c.VisitorsRetention, 0,
			"how long sums over visitors are kept, also after VISITORS was turned off; 0 means as long as RETENTION keeps their day").shown("760d").checked(c.checkVisitorsRetention),
		number("max-variants", groupVisitors, &c.MaxVariants, 1, 126, "new variants of experiments a day, beside those that have a number; later ones count as __other__"),
	}
}

func (c *Config) boundsSettings() []Setting {
	b := &c.Bounds
	return []Setting{
		number("max-benefits", groupBounds, &c.MaxBenefits, 1, counters.MaxBenefits-1,
			"how many distinct benefits get counters of their own; later ones count as __other__"),
		number("max-counters", groupBounds, &c.MaxCounters, 1, math.MaxInt, "how many counters there may be in memory; later ones count as __other__").byMemory(&c.MaxCounters),
		number("idempotency-keys", groupBounds, &c.IdempotencyKeys, 1, math.MaxInt32,
			"how many keys of batches are remembered, one whose answer lists rejected records as several; beyond that the oldest is forgotten").byMemory(&c.IdempotencyKeys),
		number("max-body-bytes", groupBounds, &c.MaxBodyBytes, 1, mostBytes, "limit of a request's body, counted after inflation"),
		number("max-connections", groupBounds, &b.Connections, 1, 1<<20,
			"clients connected at one time; one more takes the place of one that only waits, or gets 503").byMemory(&b.Connections),
		number("max-header-bytes", groupBounds, &b.HeaderBytes, 1024, 1<<20, "limit of a request's first line and header; more gets 431"),
		number("max-answer-bytes", groupBounds, &b.AnswerBytes, 1, math.MaxInt,
			"memory of all large answers that are being sent at one time; statistics beyond it lie in a file without a name, other answers become a 503").byMemory(&b.AnswerBytes),
		duration("read-timeout", groupBounds, &b.ReadTimeout, leastTimeout, "how long a request may take to arrive"),
		duration("write-timeout", groupBounds, &b.WriteTimeout, leastTimeout, "how long an answer may take to leave"),
		duration("idle-timeout", groupBounds, &b.IdleTimeout, leastTimeout, "how long a connection may be without a request after one; the first must come within READ_TIMEOUT"),
		number("rate-limit", groupBounds, &c.RateLimit, 0, math.MaxInt,
			"records a second that a client may send, by address or IPv6 network of 64 bits; more get 429").shown("none"),
		number("rate-burst", groupBounds, &c.RateBurst, 1, math.MaxInt, "records that a client may send at once, if there is a RATE_LIMIT"),
	}
}

func (c *Config) operationSettings() []Setting {
	return []Setting{
		text("admin-addr", groupOperation, &c.AdminAddr,
			"where /metrics, /healthz, /readyz and /debug/pprof are, not for the public; or off").checked(c.checkAdminAddr),
		onOff("access-log", groupOperation, &c.AccessLog, "log a line for each request, without anything about who sent it"),
		level("log-level", groupOperation, &c.LogLevel, "debug, info, warn or error"),
	}
}

// shared marks a setting that the commands on the data directory have too.
func (s Setting) shared() Setting {
	s.Shared = true
	return s
}

// parseBackupURL reads a place in object storage; nothing is none.
func parseBackupURL(text string) (*objectstore.Location, error) {
	if text == "" {
		return nil, nil
	}
	location, err := objectstore.ParseURL(text)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return &location, nil
}

func (c *Config) checkTLSPair() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("and TLS_KEY belong together: want both or none")
	}
	return nil
}

func (c *Config) checkDataDir() error {
	if c.DataDir == "" {
		return errors.New("is empty: want a directory")
	}
	return nil
}

func (c *Config) checkRetention() error { return c.checkKeeping(c.Retention) }

func (c *Config) checkVisitorsRetention() error { return c.checkKeeping(c.VisitorsRetention) }

// checkKeeping returns an error for a length of time that takes open days.
func (c *Config) checkKeeping(retention time.Duration) error {
	if retention < 0 || (retention > 0 && retention < c.MaxEventAge+24*time.Hour) {
		return fmt.Errorf("%s: want 0, or at least a day more than MAX_EVENT_AGE", retention)
	}
	return nil
}

// AdminOff says whether there is to be no admin address.
func (c *Config) AdminOff() bool { return c.AdminAddr == "" || c.AdminAddr == "off" }

// checkAdminAddr returns an error for an admin address that is none.
func (c *Config) checkAdminAddr() error {
	if c.AdminOff() {
		return nil
	}
	if _, port, err := net.SplitHostPort(c.AdminAddr); err != nil || port == "" {
		return fmt.Errorf("%q: want an address such as %s, or off", c.AdminAddr, DefaultAdminAddr)
	}
	return nil
}
