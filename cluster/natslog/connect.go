package natslog

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/cluster"
)

const (
	// leastMajor and leastMinor are the oldest version of the servers: the fixes to
	// losses that were found before it, and syncing of Raft's log alone.
	leastMajor, leastMinor = 2, 14
	// leastPayload is the least max_payload of the servers: a frame with its headers.
	leastPayload = cluster.MaxPayload + 4<<10
	// A connection that answers nothing is given up after pingInterval times
	// (pingsUnanswered + 1).
	pingInterval    = 5 * time.Second
	pingsUnanswered = 2
	reconnectWait   = 250 * time.Millisecond
)

// A Connection is a log and a store of states on the same servers. It reconnects by
// itself for as long as it is open.
type Connection struct {
	// Log and Shared may be used until Close.
	Log    *Log
	Shared *Shared

	conn *nats.Conn
}

// Open connects, makes the stream and the bucket if they are not there, and checks
// how they are set up. ErrOptions: an option makes no sense. cluster.ErrUnsuitable:
// the servers are too old, or the stream or the bucket is not as it must be. After
// any other error, such as a server that cannot be reached, the caller tries again.
func Open(ctx context.Context, options Options) (*Connection, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	conn, err := connect(options)
	if err != nil {
		return nil, err
	}
	connection := &Connection{conn: conn}
	if err := connection.open(ctx, options); err != nil {
		conn.Close()
		return nil, err
	}
	return connection, nil
}

func (c *Connection) open(ctx context.Context, options Options) error {
	if err := checkServer(c.conn.ConnectedServerName(), c.conn.ConnectedServerVersion(), c.conn.MaxPayload()); err != nil {
		return err
	}
	js, err := jetstream.New(c.conn, jetstream.WithDefaultTimeout(options.Timeout))
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	if c.Log, err = openLog(ctx, js, &link{conn: c.conn}, options); err != nil {
		return err
	}
	c.Shared, err = openShared(ctx, js, options)
	return err
}

// Leader is what the server that leads the stream says of it: its clock, how many bytes the
// stream has, how many it takes, and the notes on it.
func (c *Connection) Leader(ctx context.Context) (said Said, err error) {
	info, err := c.Log.info(ctx)
	if err != nil {
		return Said{}, err
	}
	return Said{Now: info.TimeStamp, Used: int64(info.State.Bytes), Limit: info.Config.MaxBytes, Notes: info.Config.Metadata}, nil
}

// Said is what Leader says.
type Said struct {
	Now         time.Time
	Used, Limit int64
	// Notes are by key.
	Notes map[string]string
}

// ChangeNote changes a note on the stream: one of its metadata. Two nodes that do so at the
// same moment may lose the change of one: who needs it looks again later.
func (c *Connection) ChangeNote(ctx context.Context, key string, change func(before string) string) error {
	return c.Log.stream.edit(ctx, func(config *jetstream.StreamConfig) {
		config.Metadata[key] = change(config.Metadata[key])
	})
}

// Close ends the connection. Calls that are under way fail.
func (c *Connection) Close() { c.conn.Close() }

func connect(options Options) (*nats.Conn, error) {
	settings := []nats.Option{
		nats.Name(options.Client),
		nats.Timeout(options.Timeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.IgnoreAuthErrorAbort(), // credentials are mended while the recorder runs
		nats.ReconnectBufSize(-1),   // fail at once: the outbox is the buffer
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(pingsUnanswered),
	}
	files, err := fileSettings(options)
	if err != nil {
		return nil, err
	}
	settings = append(append(settings, files...), handlers(options)...)
	conn, err := nats.Connect(strings.Join(options.URLs, ","), settings...)
	if err != nil {
		return nil, fmt.Errorf("connecting to %d servers of the log: %w", len(options.URLs), err)
	}
	return conn, nil
}

func fileSettings(options Options) ([]nats.Option, error) {
	var settings []nats.Option
	for _, path := range []string{options.CredentialsFile, options.CAFile, options.CertFile, options.KeyFile} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOptions, err)
		}
	}
	if options.CredentialsFile != "" {
		settings = append(settings, nats.UserCredentials(options.CredentialsFile))
	}
	if options.CAFile != "" {
		settings = append(settings, nats.RootCAs(options.CAFile))
	}
	if options.CertFile != "" {
		settings = append(settings, nats.ClientCert(options.CertFile, options.KeyFile))
	}
	return settings, nil
}

// handlers tell the logger of what no call returns. Without them the client would
// print to standard error.
func handlers(options Options) []nats.Option {
	logger := options.Logger.With("stream", options.Stream)
	return []nats.Option{
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil when closed on purpose
				logger.Warn("lost the connection to the log; reconnecting", "error", err)
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			logger.Info("connected to the log again", "server", conn.ConnectedUrlRedacted(), "version", conn.ConnectedServerVersion())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			logger.Warn("the connection to the log reports an error", "error", err)
		}),
	}
}

func checkServer(name, version string, maxPayload int64) error {
	if err := checkVersion(name, version); err != nil {
		return err
	}
	if maxPayload < leastPayload {
		return fmt.Errorf("%w: server %q takes messages of %d bytes, want at least %d: raise max_payload, 1MB is the default",
			cluster.ErrUnsuitable, name, maxPayload, leastPayload)
	}
	return nil
}

func checkVersion(name, version string) error {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) == 3 {
		major, majorErr := strconv.Atoi(parts[0])
		minor, minorErr := strconv.Atoi(parts[1])
		if majorErr == nil && minorErr == nil && (major > leastMajor || major == leastMajor && minor >= leastMinor) {
			return nil
		}
	}
	return fmt.Errorf("%w: server %q has version %q, want at least %d.%d: older ones have lost acknowledged messages",
		cluster.ErrUnsuitable, name, version, leastMajor, leastMinor)
}
