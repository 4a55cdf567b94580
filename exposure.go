package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/httpapi"
)

// Exposure is what the server is told about the people who can reach it: what
// they may make it hold, who they are, and what they must know.
type Exposure struct {
	// Bounds limit what clients can make the server hold, and for how long.
	Bounds httpapi.Bounds
	// RateLimit is how many records a second a client may send; 0 is any number.
	// RateBurst is how many at once.
	RateLimit, RateBurst int
	// TrustedProxies is a comma-separated list of addresses and networks whose
	// word is taken for who their client is.
	TrustedProxies string
	// ReadToken is what who reads must know; empty for nothing.
	ReadToken string
	// TLSCert and TLSKey are the files to speak TLS with; empty for plain HTTP.
	TLSCert, TLSKey string
}

// defaultExposure are the defaults of a page's users, who are anybody.
func defaultExposure() Exposure {
	return Exposure{Bounds: httpapi.DefaultBounds(), RateBurst: 1000}
}

// check calls wrong for the first setting that makes no sense.
func (e Exposure) check(wrong func(name, format string, arguments ...any) error) error {
	b := e.Bounds
	switch {
	case b.Connections < 1 || b.Connections > 1<<20:
		return wrong("MAX_CONNECTIONS", "%d: want 1 to %d", b.Connections, 1<<20)
	case b.HeaderBytes < 1024 || b.HeaderBytes > 1<<20:
		return wrong("MAX_HEADER_BYTES", "%d: want 1024 to %d", b.HeaderBytes, 1<<20)
	case b.AnswerBytes < 1:
		return wrong("MAX_ANSWER_BYTES", "%d: want 1 or more", b.AnswerBytes)
	case e.RateLimit < 0:
		return wrong("RATE_LIMIT", "%d: want 0, for none, or more", e.RateLimit)
	case e.RateBurst < 1:
		return wrong("RATE_BURST", "%d: want 1 or more", e.RateBurst)
	case (e.TLSCert == "") != (e.TLSKey == ""):
		return wrong("TLS_CERT", "and TLS_KEY belong together: want both or none")
	}
	for name, timeout := range map[string]time.Duration{
		"READ_TIMEOUT": b.ReadTimeout, "WRITE_TIMEOUT": b.WriteTimeout, "IDLE_TIMEOUT": b.IdleTimeout,
	} {
		if timeout < time.Millisecond {
			return wrong(name, "%s: want at least 1ms", timeout)
		}
	}
	if _, err := httpapi.ParseProxies(e.TrustedProxies); err != nil {
		return wrong("TRUSTED_PROXIES", "%w", err)
	}
	return nil
}

// apply tells the server, which Validate has agreed to.
func (e Exposure) apply(config *httpapi.Config) {
	proxies, _ := httpapi.ParseProxies(e.TrustedProxies)
	config.Bounds = e.Bounds
	config.RateLimit = httpapi.RateLimit{PerSecond: float64(e.RateLimit), Burst: e.RateBurst, Proxies: proxies}
	config.ReadToken = e.ReadToken
}

func exposureFlags() []cli.Flag {
	return append(boundFlags(), []cli.Flag{
		&cli.IntFlag{
			Name: "rate-limit", Sources: cli.EnvVars("RATE_LIMIT"), Local: true, DefaultText: "none",
			Usage: "records a second that a client may send, by address or IPv6 network of 64 bits; more get 429",
		},
		&cli.IntFlag{
			Name: "rate-burst", Value: defaultExposure().RateBurst, Sources: cli.EnvVars("RATE_BURST"), Local: true,
			Usage: "records that a client may send at once, if there is a RATE_LIMIT",
		},
		&cli.StringFlag{
			Name: "trusted-proxies", Sources: cli.EnvVars("TRUSTED_PROXIES"), Local: true, DefaultText: "none",
			Usage: "comma-separated addresses or networks of proxies, whose X-Forwarded-For or Forwarded says who the client is",
		},
		&cli.StringFlag{
			Name: "read-token", Sources: cli.EnvVars("READ_TOKEN"), Local: true, DefaultText: "none",
			Usage: "what reading needs as a bearer token; better as a variable than as a flag, which other users can see",
		},
		&cli.StringFlag{
			Name: "tls-cert", Sources: cli.EnvVars("TLS_CERT"), Local: true, DefaultText: "none",
			Usage: "file with the certificate and those that vouch for it; read again on SIGHUP",
		},
		&cli.StringFlag{
			Name: "tls-key", Sources: cli.EnvVars("TLS_KEY"), Local: true, DefaultText: "none",
			Usage: "file with the certificate's key; read again on SIGHUP",
		},
	}...)
}

func boundFlags() []cli.Flag {
	defaults := httpapi.DefaultBounds()
	return []cli.Flag{
		&cli.IntFlag{
			Name: "max-connections", Value: defaults.Connections, Sources: cli.EnvVars("MAX_CONNECTIONS"), Local: true,
			Usage: "clients connected at one time; one more takes the place of one that only waits, or gets 503",
		},
		&cli.IntFlag{
			Name: "max-header-bytes", Value: defaults.HeaderBytes, Sources: cli.EnvVars("MAX_HEADER_BYTES"), Local: true,
			Usage: "limit of a request's first line and header; more gets 431",
		},
		&cli.IntFlag{
			Name: "max-answer-bytes", Value: defaults.AnswerBytes, Sources: cli.EnvVars("MAX_ANSWER_BYTES"), Local: true,
			Usage: "limit of all large answers that are being sent at one time; one that does not fit becomes a 503",
		},
		&cli.DurationFlag{
			Name: "read-timeout", Value: defaults.ReadTimeout, Sources: cli.EnvVars("READ_TIMEOUT"), Local: true,
			Usage: "how long a request may take to arrive",
		},
		&cli.DurationFlag{
			Name: "write-timeout", Value: defaults.WriteTimeout, Sources: cli.EnvVars("WRITE_TIMEOUT"), Local: true,
			Usage: "how long an answer may take to leave",
		},
		&cli.DurationFlag{
			Name: "idle-timeout", Value: defaults.IdleTimeout, Sources: cli.EnvVars("IDLE_TIMEOUT"), Local: true,
			Usage: "how long a connection may be without a request",
		},
	}
}

// exposureAsked is what the flags say.
func exposureAsked(c *cli.Command) Exposure {
	return Exposure{
		Bounds: httpapi.Bounds{
			Connections:  c.Int("max-connections"),
			HeaderBytes:  c.Int("max-header-bytes"),
			ReadTimeout:  c.Duration("read-timeout"),
			WriteTimeout: c.Duration("write-timeout"),
			IdleTimeout:  c.Duration("idle-timeout"),
			AnswerBytes:  c.Int("max-answer-bytes"),
		},
		RateLimit:      c.Int("rate-limit"),
		RateBurst:      c.Int("rate-burst"),
		TrustedProxies: c.String("trusted-proxies"),
		ReadToken:      c.String("read-token"),
		TLSCert:        c.String("tls-cert"),
		TLSKey:         c.String("tls-key"),
	}
}

// newServer makes the server that a valid configuration describes, and what
// has its files read again.
func newServer(config Config, http httpapi.Config) (*httpapi.Server, *reloadable, error) {
	certificate, err := loadCertificate(config.TLSCert, config.TLSKey)
	if err != nil {
		return nil, nil, err
	}
	http.TLS = certificate.config()
	server, err := httpapi.NewServer(http)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: EVENT_TYPES: %w", ErrConfig, err)
	}
	benefits, err := readBenefits(config.BenefitsFile)
	if err != nil {
		return nil, nil, err
	}
	server.SetBenefits(benefits)
	return server, &reloadable{config, server, certificate}, nil
}
