package service

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
)

// certificate is a pair of files and what was read from them last.
type certificate struct {
	certFile, keyFile string
	pair              atomic.Pointer[tls.Certificate]
}

// loadCertificate returns nil when there are no files.
func loadCertificate(certFile, keyFile string) (*certificate, error) {
	if certFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: certFile, keyFile: keyFile}
	return c, c.load()
}

// load reads the files. If they are not a pair, the one from before stays.
func (c *certificate) load() error {
	err := errors.Join(checkReadable(c.certFile), checkReadable(c.keyFile))
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	}
	if err != nil {
		return fmt.Errorf("%w: TLS_CERT %q or TLS_KEY %q: %w", ErrConfig, c.certFile, c.keyFile, err)
	}
	c.pair.Store(&pair)
	return nil
}

// config is nil for no certificate. Connections that begin after a load get what it read.
func (c *certificate) config() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.pair.Load(), nil
		},
	}
}
