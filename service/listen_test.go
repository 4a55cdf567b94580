package service

import (
	"net"
	"testing"
)

func TestAHeldSocketIsComparedWithHostAndPort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		held, host string
		port       int
		want       bool
	}{
		"nobody asked for an address":       {"192.0.2.1:80", "", 4000, true},
		"the same address":                  {"127.0.0.1:4000", "127.0.0.1", 4000, true},
		"the same, written in another way":  {"[::1]:4000", "0:0:0:0:0:0:0:1", 4000, true},
		"the name of the loopback":          {"127.0.0.1:4000", "localhost", 4000, true},
		"all interfaces where one was told": {"[::]:4000", "127.0.0.1", 4000, false},
		"one where all were told":           {"127.0.0.1:8080", "", 8080, false},
		"all interfaces, as told":           {"[::]:8080", "", 8080, true},
		"another port":                      {"127.0.0.1:4000", "127.0.0.1", 8080, false},
		"a name that is not resolved":       {"192.0.2.1:4000", "stats.example.org", 4000, false},
	} {
		t.Run(name, func(t *testing.T) {
			address, err := net.ResolveTCPAddr("tcp", c.held)
			if err != nil {
				t.Fatal(err)
			}
			config := DefaultConfig()
			config.Host, config.Port = c.host, c.port
			if got := listensAsTold(address, config); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
