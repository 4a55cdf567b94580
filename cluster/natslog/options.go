package natslog

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// Options say where the log is and how it is set up. Replicas, MaxAge, MaxBytes
// and DuplicateWindow are used to make a stream that is not there, and the first
// two are held against one that is.
type Options struct {
	// URLs are servers to try, as ParseURLs gives them. The client learns of the
	// others from the one that answers.
	URLs []string
	// Stream is the name of the stream: letters, digits, dashes and underscores.
	// Frames go under the subjects <Stream>.<origin>; states go into the bucket
	// <Stream>-states.
	Stream string
	// Replicas is on how many servers each frame is: 3 or 5, or 1 for a log whose one disk
	// may be lost; 0 is 3.
	Replicas int
	// MaxAge is how long a frame is kept if nothing trims it; 0 is 7 days.
	MaxAge time.Duration
	// MaxBytes is how much the stream may hold, and the bucket too; 0 is 4 GiB.
	MaxBytes int64
	// DuplicateWindow is for how long the servers recognise a frame that comes twice;
	// 0 is 2 minutes. Nothing depends on it.
	DuplicateWindow time.Duration

	// CredentialsFile holds a user's JWT and its key (".creds"); empty for none.
	CredentialsFile string
	// CAFile holds the certificates, in PEM, that servers' are checked against; empty
	// for those of the system. CertFile and KeyFile hold the client's own; empty for
	// none. Any of them makes TLS obligatory.
	CAFile, CertFile, KeyFile string

	// Client is the name under which servers list this connection.
	Client string
	// Timeout bounds each call, and each request of those that make many; 0 is 5
	// seconds. A request to a stream without a leader is never answered, not even once
	// it has one: it must be made again.
	Timeout time.Duration
	// Logger receives when the connection comes and goes; nil discards it.
	Logger *slog.Logger
}

// ErrOptions is wrapped by the error for an option that makes no sense.
var ErrOptions = errors.New("bad option")

const bucketSuffix = "-states"

// IsStream reports whether a text is the name of a stream, see Options.
func IsStream(name string) bool { return goodStream(name) }

// goodStream reports whether a name is a token of a subject and a name of a bucket,
// and leaves room for what is put around it below the 255 characters of a name.
func goodStream(name string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	return len(name) >= 1 && len(name) <= 100 && strings.Trim(name, letters) == ""
}

// withDefaults is the options with all zeros replaced, or wraps ErrOptions.
func (o Options) withDefaults() (Options, error) {
	if len(o.URLs) == 0 {
		return o, fmt.Errorf("%w: no server is named", ErrOptions)
	}
	if !goodStream(o.Stream) {
		return o, fmt.Errorf("%w: stream %.120q: want 1 to 100 letters, digits, dashes and underscores", ErrOptions, o.Stream)
	}
	if o.Replicas == 0 {
		o.Replicas = 3
	}
	if o.Replicas != 1 && o.Replicas != 3 && o.Replicas != 5 {
		return o, fmt.Errorf("%w: %d replicas: want 3, which endures the loss of one server, or 5, of two, or 1, of none", ErrOptions, o.Replicas)
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return o, fmt.Errorf("%w: certificate %q and key %q: want both or none", ErrOptions, o.CertFile, o.KeyFile)
	}
	if o.MaxAge == 0 {
		o.MaxAge = 7 * 24 * time.Hour
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 4 << 30
	}
	if o.DuplicateWindow == 0 {
		o.DuplicateWindow = 2 * time.Minute
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// ParseURLs reads a comma-separated list of servers: each a host or an address,
// perhaps with a port (4222 if not), perhaps with nats:// or tls:// before it and a
// name and password. Those without a scheme get nats://. The error wraps ErrOptions
// and shows no password.
func ParseURLs(text string) ([]string, error) {
	var servers []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		server, err := parseURL(part)
		if err != nil {
			return nil, fmt.Errorf("%w: server %d of %d: %w", ErrOptions, len(servers)+1, strings.Count(text, ",")+1, err)
		}
		servers = append(servers, server)
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("%w: no server is named: want for example nats://10.0.0.1:4222,nats://10.0.0.2:4222", ErrOptions)
	}
	return servers, nil
}

func parseURL(part string) (string, error) {
	if !strings.Contains(part, "://") {
		part = "nats://" + part
	}
	server, err := url.Parse(part)
	if err != nil {
		// The error of Parse quotes all of the text, and thus a password.
		return "", errors.New("not a URL: want host:port or nats://host:port, an IPv6 address in brackets")
	}
	switch {
	case server.Scheme != "nats" && server.Scheme != "tls":
		return "", fmt.Errorf("%q: the scheme is %q, want nats or tls", server.Redacted(), server.Scheme)
	case strings.Count(server.Host, ":") > 1 && !strings.HasPrefix(server.Host, "["):
		return "", fmt.Errorf("%q: an IPv6 address goes in brackets", server.Redacted())
	case server.Hostname() == "":
		return "", fmt.Errorf("%q names no host", server.Redacted())
	case strings.Trim(server.Path, "/") != "" || server.RawQuery != "" || server.Fragment != "":
		return "", fmt.Errorf("%q: nothing may follow the port", server.Redacted())
	}
	if server.Port() == "" {
		server.Host = net.JoinHostPort(server.Hostname(), "4222")
	}
	server.Path = ""
	return server.String(), nil
}
