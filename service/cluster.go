package service

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"stats-recorder/cluster/member"
	"stats-recorder/cluster/natslog"
	"stats-recorder/httpapi"
	"stats-recorder/httpapi/records"
	"stats-recorder/service/admin"
	"stats-recorder/snapshot"
)

const (
	// joinPatience is how long a start waits for the log before it serves without it.
	joinPatience = 2 * time.Second
	// adoptPatience is how long it may take to get the state of another node.
	adoptPatience = 15 * time.Minute
	// adoptPause is how long to wait after that failed.
	adoptPause = 5 * time.Second
	// flushPatience is how long a stopping node waits for the log to get the last counts.
	flushPatience = 2 * time.Second
)

// A LogConfig says how this node counts with others; nothing of it matters without a URL.
type LogConfig struct {
	// URL names the servers of the log; empty for a node that counts alone.
	URL string
	// Stream is the name of the log on them, Replicas on how many servers it is.
	Stream   string
	Replicas int
	// Window is how long counts gather before others are told.
	Window time.Duration
	// Backlog is how many bytes of counters may wait for the log before records are refused.
	Backlog int
	// Credentials, CA, Cert and Key are files; see natslog.Options.
	Credentials, CA, Cert, Key string
	// Ack is "disk" or "cluster", Role "all" or "ingest", ReadStale "serve" or "refuse".
	Ack, Role, ReadStale string
	// ReadAt is where a node with Role "ingest" sends readers.
	ReadAt string

	urls   []string
	ack    member.Acknowledgement
	ingest bool
	refuse bool
}

func defaultLogConfig() LogConfig {
	return LogConfig{
		Stream: "stats-recorder", Replicas: 3, Window: 100 * time.Millisecond, Backlog: 256 << 20,
		Ack: "disk", Role: "all", ReadStale: "serve",
	}
}

// settings are the rows of the table of settings.
func (l *LogConfig) settings(durability *snapshot.Durability) []Setting {
	file := func(name string, field *string, usage string) Setting {
		return text(name, groupCluster, field, usage).shown("none").checked(func() error { return l.checkFile(*field) })
	}
	return []Setting{
		text("log-url", groupCluster, &l.URL, "nats-servers of the log that nodes share, comma-separated, such as 10.0.0.1:4222,10.0.0.2:4222; "+
			"better as a variable than as a flag if it has a password").shown("none: the server counts alone").checked(func() error { return l.checkURL(*durability) }),
		text("log-stream", groupCluster, &l.Stream, "name of the log there; nodes with the same one count together").checked(l.checkStream),
		number("log-replicas", groupCluster, &l.Replicas, 1, 5, "on how many servers the log must be: 3 or 5, or 1 for one that a disk may take").checked(l.checkReplicas),
		duration("log-window", groupCluster, &l.Window, time.Millisecond, "how long counts gather before other nodes are told"),
		meaning("ack", groupCluster, &l.Ack, &l.ack, parseAck, "when records are acknowledged: disk, once they are durable here, or cluster, once the log has them too"),
		meaning("role", groupCluster, &l.Role, &l.ingest, oneOf("all", "ingest"), "all, or ingest for a node that takes records and leaves reading to others"),
		text("read-at", groupCluster, &l.ReadAt, "URL where readers are sent by a node with ROLE=ingest").shown("none"),
		meaning("read-stale", groupCluster, &l.ReadStale, &l.refuse, oneOf("serve", "refuse"), "what a node does with reads that is behind the log: serve or refuse"),
		number("log-backlog", groupCluster, &l.Backlog, 1, min(1<<40, math.MaxInt), "bytes of memory that counters may take which wait for the log, 32 each, and 32 again when they are counted again before they are added up; more records get 503"),
		file("log-credentials", &l.Credentials, "file with the user's JWT and key (.creds) for the log"),
		file("log-ca", &l.CA, "file with the certificates that the log's servers are checked against; makes TLS obligatory"),
		file("log-cert", &l.Cert, "file with this node's certificate for the log").checked(l.checkPair),
		file("log-key", &l.Key, "file with the key of that certificate"),
	}
}

func (l *LogConfig) checkURL(durability snapshot.Durability) (err error) {
	if l.URL == "" {
		l.urls = nil
		return nil
	}
	if durability == snapshot.Snapshot {
		return errors.New("needs a journal: want DURABILITY=always or everysec")
	}
	l.urls, err = natslog.ParseURLs(l.URL)
	return err
}

func (l *LogConfig) checkReplicas() error {
	if l.Replicas != 1 && l.Replicas != 3 && l.Replicas != 5 {
		return fmt.Errorf("%d: want 3, which endures the loss of one server, 5, of two, or 1, of none", l.Replicas)
	}
	return nil
}

// checkStream returns an error for what is no name of a stream.
func (l *LogConfig) checkStream() error {
	if !natslog.IsStream(l.Stream) {
		return fmt.Errorf("%q: want 1 to 100 letters, digits, dashes and underscores", l.Stream)
	}
	return nil
}

// checkFile returns an error for a file that is named and cannot be read.
func (l *LogConfig) checkFile(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%q is a directory: want a file", path)
	}
	return err
}

func (l *LogConfig) checkPair() error {
	if (l.Cert == "") != (l.Key == "") {
		return errors.New("and LOG_KEY belong together: want both or none")
	}
	return l.checkFile(l.Cert)
}

func parseAck(text string) (member.Acknowledgement, error) {
	byLog, err := oneOf("disk", "cluster")(text)
	if byLog {
		return member.ByLog, err
	}
	return member.ByDisk, err
}

// oneOf reads one of two words; true is the second.
func oneOf(first, second string) func(string) (bool, error) {
	return func(text string) (bool, error) {
		if text != first && text != second {
			return false, fmt.Errorf("%q: want %s or %s", text, first, second)
		}
		return text == second, nil
	}
}

// expiresTogether says whether days go when several nodes say that they are past RETENTION.
// A node that merges nothing of others does not hear what they say.
func (c Config) expiresTogether() bool { return c.Log.URL != "" && !c.Log.ingest }

// newMember is what joins a node to the log; nil for one that counts alone.
func (c Config) newMember() *member.Member {
	if c.Log.URL == "" {
		return nil
	}
	return member.New(c.memberOptions(c.openLog))
}

func (c Config) memberOptions(open func(context.Context) (*member.Link, error)) member.Options {
	return member.Options{
		Open: open, Ingest: c.Log.ingest, Window: c.Log.Window, Share: c.SnapshotInterval,
		Backlog: int64(c.Log.Backlog), Logger: c.Logger,
		EventTypes: c.EventTypes, BuiltIn: records.BuiltInEvents,
		ServesAlone: c.Log.ack == member.ByDisk && !c.Log.refuse,
	}
}

func (c Config) openLog(ctx context.Context) (*member.Link, error) {
	connection, err := natslog.Open(ctx, c.Log.options(c))
	if err != nil {
		return nil, err
	}
	if err := c.compareSettings(ctx, connection); err != nil {
		c.Logger.Warn("cannot compare the settings with those of other nodes", "error", err)
	}
	return c.linkOver(connection), nil
}

func (c Config) linkOver(connection *natslog.Connection) *member.Link {
	return &member.Link{
		Log: connection.Log, Shared: connection.Shared, Close: connection.Close,
		Ask: func(ctx context.Context) (member.Servers, error) {
			said, err := connection.Leader(ctx)
			return member.Servers{
				Now: said.Now, Used: said.Used, Limit: said.Limit,
				EventTypes: eventTypesOn(said.Notes), Differing: differences(c.alike(), settingsOn(said.Notes)),
			}, err
		},
		AddEventTypes: func(ctx context.Context, names []string) error { return addEventTypes(ctx, connection, names) },
	}
}

func (l LogConfig) options(c Config) natslog.Options {
	return natslog.Options{
		URLs: l.urls, Stream: l.Stream, Replicas: l.Replicas, CredentialsFile: l.Credentials,
		CAFile: l.CA, CertFile: l.Cert, KeyFile: l.Key, Client: "stats-recorder", Logger: c.Logger,
	}
}

// join starts a member, and says whether the directory must adopt a state first.
func join(ctx context.Context, config Config, m *member.Member, keeper *snapshot.Keeper) error {
	l := config.Log
	config.Logger.Info("counting with others", "log_stream", l.Stream, "log_servers", strconv.Itoa(len(l.urls)), "log_replicas", strconv.Itoa(l.Replicas),
		"log_window", l.Window, "log_backlog", strconv.Itoa(l.Backlog), "ack", l.Ack, "role", l.Role, "read_stale", l.ReadStale,
		"log_credentials", l.Credentials, "log_ca", l.CA, "log_cert", l.Cert)
	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	return m.Start(ctx, keeper)
}

// adopt makes the directory what another node's is. Nothing serves. It returns
// errMustAdopt, for the directory to be recovered anew, or nil if the context ends.
func adopt(ctx context.Context, config Config, m *member.Member, options snapshot.Options) error {
	patience, cancel := context.WithTimeout(ctx, adoptPatience)
	defer cancel()
	err := m.Adopt(patience, options)
	switch {
	case errors.Is(err, member.ErrNothingToAdopt):
		config.Logger.Warn("the node goes on as it is", "error", err)
	case err != nil:
		config.Logger.Error("could not adopt the state of another node; it is tried again", "error", err)
		select {
		case <-time.After(adoptPause):
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return errMustAdopt
}

// Headers of reads that say what is counted.
const (
	headerCountedPosition = "Counted-Position"
	headerCountedAt       = "Counted-At"
)

// clustered has a server record and answer as a node with others.
func (c Config) clustered(server *httpapi.Config, m *member.Member, keeper *snapshot.Keeper) {
	recorder := m.Recorder(keeper, c.Log.ack)
	server.Recorder = recorder
	if server.Once != nil {
		server.Once = recorder
	}
	server.Gate = func() ([]httpapi.Header, error) { return c.gate(m) }
}

// gate says what a read counts, or why it is not answered here.
func (c Config) gate(m *member.Member) ([]httpapi.Header, error) {
	if c.Log.ingest {
		where := "ask a node with ROLE=all"
		if c.Log.ReadAt != "" {
			where = "ask " + c.Log.ReadAt
		}
		return nil, &httpapi.Error{Status: http.StatusMisdirectedRequest, Message: "this node only takes records: " + where}
	}
	position, at := m.Counted()
	headers := []httpapi.Header{{Name: headerCountedPosition, Value: strconv.FormatUint(position, 10)}}
	if !at.IsZero() {
		headers = append(headers, httpapi.Header{Name: headerCountedAt, Value: at.UTC().Format(time.RFC3339)})
	}
	if !c.Log.refuse {
		return headers, nil
	}
	if err := m.Ready(); err != nil {
		return append(headers, httpapi.Header{Name: "Retry-After", Value: "5"}), &httpapi.Error{Status: http.StatusServiceUnavailable, Message: "this node may lack counts, ask another one: " + err.Error()}
	}
	return headers, nil
}

// clusterFigures are those of a member.
func clusterFigures(m *member.Member) *admin.Cluster {
	status, untold := m.Status(), time.Duration(-1)
	if !status.ToldUntil.IsZero() {
		untold = time.Since(status.ToldUntil)
	}
	return &admin.Cluster{
		Joined: status.Joined, Position: status.Position.Sequence, End: status.End.Sequence, Lag: status.Lag,
		Waiting: status.Waiting, Outbox: status.Outbox, Failing: status.Failing, Untold: untold, Skew: status.Skew, Nodes: status.Nodes,
		Appended: status.Appended, AppendedBytes: status.AppendedBytes, Merged: status.Merged, Skipped: status.Skipped, Repeated: status.Repeated,
		SharedAt: status.SharedAt, Trouble: status.Trouble != nil, Apart: status.Apart, Differing: len(status.Differing), Used: status.Used, Limit: status.Limit,
	}
}
