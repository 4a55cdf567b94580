package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// secrets are the files of a certificate for this machine and its key, made for one run.
type secrets struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// newSecrets makes a certificate, which this process trusts from then on.
func newSecrets(directory string) (*secrets, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key for TLS: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{localHost}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("certificate for TLS: %w", err)
	}
	encodedKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("key for TLS: %w", err)
	}
	made := &secrets{filepath.Join(directory, "certificate.pem"), filepath.Join(directory, "key.pem")}
	if err := writePEM(made.Certificate, "CERTIFICATE", certificate); err != nil {
		return nil, err
	}
	if err := writePEM(made.Key, "PRIVATE KEY", encodedKey); err != nil {
		return nil, err
	}
	// The library of TLS looks here when it verifies the first certificate.
	return made, os.Setenv("SSL_CERT_FILE", made.Certificate)
}

func writePEM(path, kind string, content []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600)
}

// settings have a server speak TLS; none if there are no secrets.
func (s *secrets) settings() []string {
	if s == nil {
		return nil
	}
	return []string{"TLS_CERT=" + s.Certificate, "TLS_KEY=" + s.Key}
}

// listen has a listener speak TLS, as the server does.
func (s *secrets) listen(inner net.Listener) (net.Listener, error) {
	pair, err := tls.LoadX509KeyPair(s.Certificate, s.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate of the ceiling: %w", err)
	}
	return tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}
