package natslog_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"stats-recorder/cluster"
	"stats-recorder/cluster/natslog"
)

// A server that is alone cannot hold three replicas. Saying so takes a connection
// that it trusts, over which it answers.
const alone = "the server is alone"

func TestCredentialsAndCertificatesAreShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	issuer := newIssuer(t, dir)
	serverCert, _, _ := issuer.issue(t, "server")
	_, certFile, keyFile := issuer.issue(t, "client")
	address, credentials := startSecureServer(t, dir, serverCert, issuer.pool)
	good := natslog.Options{
		Stream: "log", Timeout: time.Second,
		CredentialsFile: credentials, CAFile: issuer.file, CertFile: certFile, KeyFile: keyFile,
	}
	for name, test := range map[string]struct {
		change func(*natslog.Options)
		word   string
	}{
		"with all":                {func(*natslog.Options) {}, alone},
		"without credentials":     {func(o *natslog.Options) { o.CredentialsFile = "" }, "authorization violation"},
		"without the CA":          {func(o *natslog.Options) { o.CAFile = "" }, "certificate signed by unknown authority"},
		"without the certificate": {func(o *natslog.Options) { o.CertFile, o.KeyFile = "", "" }, "tls"},
	} {
		for _, scheme := range []string{"", "nats://", "tls://"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				t.Parallel()
				options := good
				test.change(&options)
				var err error
				if options.URLs, err = natslog.ParseURLs(scheme + address); err != nil {
					t.Fatal(err)
				}
				_, err = natslog.Open(within(t), options)
				if err == nil || !strings.Contains(strings.ToLower(err.Error()), test.word) {
					t.Fatalf("error %v, want one with %q", err, test.word)
				}
				if unsuitable := test.word == alone; errors.Is(err, cluster.ErrUnsuitable) != unsuitable {
					t.Fatalf("error %v wraps %v: %t, want %t", err, cluster.ErrUnsuitable, !unsuitable, unsuitable)
				}
			})
		}
	}
}

// startSecureServer starts a server that wants a certificate and a user's JWT.
func startSecureServer(t *testing.T, dir string, certificate tls.Certificate, clients *x509.CertPool) (address, credentials string) {
	t.Helper()
	operatorKey, operatorID := newKey(t, nkeys.CreateOperator)
	operator := jwt.NewOperatorClaims(operatorID)
	encoded(operator.Encode(operatorKey))(t) // which names the issuer
	accountKey, accountID := newKey(t, nkeys.CreateAccount)
	account := jwt.NewAccountClaims(accountID)
	account.Limits.JetStreamLimits.DiskStorage = -1
	_, systemID := newKey(t, nkeys.CreateAccount)
	resolver := &server.MemAccResolver{}
	resolver.Store(systemID, encoded(jwt.NewAccountClaims(systemID).Encode(operatorKey))(t)) // in memory: it cannot fail
	resolver.Store(accountID, encoded(account.Encode(operatorKey))(t))
	secure, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: filepath.Join(dir, "store"),
		TLS: true, TLSVerify: true, TLSTimeout: 10, AuthTimeout: 10,
		TLSConfig:        &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients},
		TrustedOperators: []*jwt.OperatorClaims{operator},
		AccountResolver:  resolver,
		SystemAccount:    systemID,
	})
	if err != nil {
		t.Fatal(err)
	}
	go secure.Start()
	t.Cleanup(func() {
		secure.Shutdown()
		secure.WaitForShutdown()
	})
	if !secure.ReadyForConnections(patience) {
		t.Fatal("the server does not take connections")
	}
	return secure.Addr().String(), writeCredentials(t, dir, accountKey)
}

func writeCredentials(t *testing.T, dir string, account nkeys.KeyPair) (file string) {
	t.Helper()
	userKey, userID := newKey(t, nkeys.CreateUser)
	seed, err := userKey.Seed()
	if err != nil {
		t.Fatal(err)
	}
	userJWT := encoded(jwt.NewUserClaims(userID).Encode(account))(t)
	credentials, err := jwt.FormatUserConfig(userJWT, seed)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, "user.creds", credentials)
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}

func encoded(token string, err error) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
}

// issuer is a certificate authority.
type issuer struct {
	dir, file   string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
}

func newIssuer(t *testing.T, dir string) *issuer {
	t.Helper()
	i := &issuer{dir: dir, pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	i.certificate, i.key = template, newECDSA(t)
	der := i.sign(t, template, i.key)
	var err error
	if i.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	i.pool.AddCert(i.certificate)
	i.file = write(t, dir, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return i
}

// issue makes a certificate for this machine, and writes it and its key to files.
func (i *issuer) issue(t *testing.T, name string) (certificate tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key := newECDSA(t)
	der := i.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, key)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	if certificate, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	return certificate, write(t, i.dir, name+".pem", certPEM), write(t, i.dir, name+".key", keyPEM)
}

func (i *issuer) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, i.certificate, &key.PublicKey, i.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
