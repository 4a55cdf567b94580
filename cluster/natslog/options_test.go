package natslog_test

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"stats-recorder/cluster/natslog"
)

func TestServersAreReadAsOperatorsWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"localhost":                            {"nats://localhost:4222"},
		"nats://localhost:4222":                {"nats://localhost:4222"},
		" a , nats://b:5000,tls://c, ":         {"nats://a:4222", "nats://b:5000", "tls://c:4222"},
		"10.0.0.1:4222,10.0.0.2:4223":          {"nats://10.0.0.1:4222", "nats://10.0.0.2:4223"},
		"[::1],nats://[2001:db8::1]:4222/":     {"nats://[::1]:4222", "nats://[2001:db8::1]:4222"},
		"nats://recorder:s3cret@b.example":     {"nats://recorder:s3cret@b.example:4222"},
		"token@b.example:4222,b.example:04223": {"nats://token@b.example:4222", "nats://b.example:04223"},
	} {
		if have, err := natslog.ParseURLs(text); err != nil || !slices.Equal(have, want) {
			t.Errorf("%q: %q, error %v, want %q", text, have, err, want)
		}
	}
	for _, text := range []string{
		"", " , ", "http://a:4222", "ws://a", "nats://", "nats://:4222", "a:port", "nats://a/path", "nats://a?x=y", "2001:db8::1", "a b",
		"nats://u:s3cret@a:port", "http://u:s3cret@a", "nats://u:s3cret@a/path", "nats://u:s3cret@",
	} {
		_, err := natslog.ParseURLs(text)
		if !errors.Is(err, natslog.ErrOptions) {
			t.Errorf("%q: error %v, want %v", text, err, natslog.ErrOptions)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error tells the password: %v", text, err)
		}
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	good := natslog.Options{URLs: []string{"nats://127.0.0.1:1"}, Stream: "log"}
	for name, change := range map[string]func(*natslog.Options){
		"no server":                      func(o *natslog.Options) { o.URLs = nil },
		"no stream":                      func(o *natslog.Options) { o.Stream = "" },
		"a stream of two tokens":         func(o *natslog.Options) { o.Stream = "a.b" },
		"a stream that is a wildcard":    func(o *natslog.Options) { o.Stream = ">" },
		"an even number of replicas":     func(o *natslog.Options) { o.Replicas = 4 },
		"a key without its certificate":  func(o *natslog.Options) { o.KeyFile = "options_test.go" },
		"credentials that are not there": func(o *natslog.Options) { o.CredentialsFile = "no such file" },
		"a CA that is not there":         func(o *natslog.Options) { o.CAFile = "no such file" },
	} {
		options := good
		change(&options)
		if _, err := natslog.Open(t.Context(), options); !errors.Is(err, natslog.ErrOptions) {
			t.Errorf("%s: error %v, want %v", name, err, natslog.ErrOptions)
		}
	}
	if _, err := natslog.Open(t.Context(), good); err == nil || errors.Is(err, natslog.ErrOptions) {
		t.Errorf("a server that is not there: error %v, want one that passes", err)
	}
}

func TestTheServerIsNotLinked(t *testing.T) {
	t.Parallel()
	for packages, unwanted := range map[string]string{
		"stats-recorder":                 "github.com/nats-io/nats-server",
		"stats-recorder/cluster/natslog": "github.com/nats-io/nats-server",
		"stats-recorder/cluster":         "github.com/nats-io/",
	} {
		output, err := exec.Command("go", "list", "-deps", packages).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dependency := range strings.Lines(string(output)) {
			if strings.HasPrefix(dependency, unwanted) {
				t.Errorf("%s links %s", packages, dependency)
			}
		}
	}
}
