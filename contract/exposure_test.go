package contract

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
)

// exposureSettings are the rows of allSettings about who can reach the server.
func exposureSettings(t *testing.T) []setting {
	t.Helper()
	pair := newPair(t, t.TempDir(), "first")
	notAPair := listOf(t, "not a certificate")
	return []setting{
		{variable: "MAX_CONNECTIONS", preset: "by the memory", value: "1", other: "100", shows: hasRoomForOneConnection,
			bad: []string{"0", "-1", "many", "99999999"}},
		{variable: "MAX_HEADER_BYTES", preset: "8192", value: "1024", other: "65536", shows: refusesALargeHeader,
			bad: []string{"100", "-1", "8KiB"}},
		{variable: "MAX_ANSWER_BYTES", preset: "by the memory", value: "1", other: "5", shows: answers, bad: []string{"0", "-1", "1GB"}},
		{variable: "READ_TIMEOUT", preset: "15s", value: "100ms", other: "1h", shows: doesNotWaitForARequest, bad: []string{"0s", "-1s", "15"}},
		{variable: "WRITE_TIMEOUT", preset: "1m0s", value: "1s", other: "1h", shows: answers, bad: []string{"0s", "-1s", "60"}},
		{variable: "IDLE_TIMEOUT", preset: "1m15s", value: "100ms", other: "1h", shows: closesIdleConnections, bad: []string{"0s", "-1s", "75"}},
		{variable: "RATE_LIMIT", preset: "none", value: "1", other: "100000", with: []string{"RATE_BURST=2"}, shows: takesTwoRecordsAtOnce,
			bad: []string{"-1", "many"}},
		{variable: "RATE_BURST", preset: "1000", value: "2", other: "100000", with: []string{"RATE_LIMIT=1"}, shows: takesTwoRecordsAtOnce,
			bad: []string{"0", "-1", "many"}},
		{variable: "TRUSTED_PROXIES", preset: "none", value: "10.0.0.0/8, 127.0.0.1", other: "192.0.2.1",
			with: []string{"RATE_LIMIT=1", "RATE_BURST=2"}, shows: tellsForwardedClientsApart, bad: []string{"localhost", "10.0.0.0/33", "1.2.3.4:80"}},
		{variable: "READ_TOKEN", preset: "none", value: "open sesame", other: "other", shows: needsAToken},
		{variable: "TLS_CERT", preset: "none", value: pair.cert, other: "/nowhere", with: []string{"TLS_KEY=" + pair.key}, shows: speaksTLS,
			bad: []string{"/nowhere", "/", notAPair}},
		{variable: "TLS_KEY", preset: "none", value: pair.key, other: "/nowhere", with: []string{"TLS_CERT=" + pair.cert}, shows: speaksTLS,
			bad: []string{"/nowhere", "/", notAPair}},
	}
}

func answers(t *testing.T, p *blackbox.Program) {
	p.Get(t, "/statistics").ExpectStatus(t, http.StatusOK)
}

func hasRoomForOneConnection(t *testing.T, p *blackbox.Program) {
	conn := p.Dial(t)
	response, err := p.Client.Get(p.URL + "/statistics")
	for attempts := 0; err != nil && attempts < 10; attempts++ {
		// The refusal may come before the client has asked, which it takes for an error.
		response, err = p.Client.Get(p.URL + "/statistics")
	}
	if err != nil {
		t.Fatal(err)
	}
	got := blackbox.ReadReply(t, response)
	got.ExpectMessage(t, http.StatusServiceUnavailable)
	got.ExpectHeader(t, "Retry-After", "5")
	if !response.Close {
		t.Error("the connection of a 503 stays open")
	}
	conn.Close()
	harnesstest.Until(t, "the place of a connection that is closed is free", func() bool {
		response, err := p.Client.Get(p.URL + "/statistics")
		return err == nil && blackbox.ReadReply(t, response).Status == http.StatusOK
	})
}

func refusesALargeHeader(t *testing.T, p *blackbox.Program) {
	p.Get(t, "/statistics", "Padding", strings.Repeat("x", 500)).ExpectStatus(t, http.StatusOK)
	p.Get(t, "/statistics", "Padding", strings.Repeat("x", 2000)).ExpectMessage(t, http.StatusRequestHeaderFieldsTooLarge)
}

func doesNotWaitForARequest(t *testing.T, p *blackbox.Program) {
	p.Raw(t, "POST /benefits HTTP/1.1\r\nHost: x\r\n").ExpectMessage(t, http.StatusRequestTimeout)
	p.Raw(t, "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n"+strings.Repeat(" ", 19999)).
		ExpectMessage(t, http.StatusRequestTimeout)
}

func closesIdleConnections(t *testing.T, p *blackbox.Program) {
	conn := p.Dial(t)
	if _, err := io.WriteString(conn, "GET /statistics HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("read %q, then %v, want an answer and then the end", answer, err)
	}
}

func takesTwoRecordsAtOnce(t *testing.T, p *blackbox.Program) {
	p.Post(t, blackbox.Times(3, blackbox.RecordOf("RSA"))).ExpectMessage(t, http.StatusRequestEntityTooLarge)
	p.Created(t, blackbox.Times(2, blackbox.RecordOf("RSA")))
	got := p.Post(t, blackbox.Times(2, blackbox.RecordOf("RSA")))
	got.ExpectMessage(t, http.StatusTooManyRequests)
	if after := got.Header.Get("Retry-After"); after != "1" && after != "2" {
		t.Errorf("Retry-After is %q, want 1 or 2 seconds", after)
	}
	p.ExpectTotal(t, "RSA", 2)
}

func tellsForwardedClientsApart(t *testing.T, p *blackbox.Program) {
	for _, client := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.1, 192.0.2.3, 10.1.1.1"} {
		p.Created(t, blackbox.Times(2, blackbox.RecordOf("RSA")), "X-Forwarded-For", client)
	}
	p.Post(t, blackbox.Times(2, blackbox.RecordOf("RSA")), "X-Forwarded-For", "203.0.113.9, 192.0.2.3").ExpectMessage(t, http.StatusTooManyRequests)
	p.ExpectTotal(t, "RSA", 6)
}

func needsAToken(t *testing.T, p *blackbox.Program) {
	p.Created(t, blackbox.RecordOf("RSA"))
	for _, path := range []string{"/statistics", "/benefits", "/benefits/timeline"} {
		for _, header := range []string{"", "Bearer", "Bearer open", "Basic open sesame", "open sesame", "Bearer open sesame!"} {
			got := p.Get(t, path, "Authorization", header)
			got.ExpectMessage(t, http.StatusUnauthorized)
			got.ExpectHeader(t, "WWW-Authenticate", `Bearer realm="statistics"`)
		}
		p.Get(t, path, "Authorization", "Bearer open sesame").ExpectStatus(t, http.StatusOK)
		p.Get(t, path, "Authorization", "bearer  open sesame").ExpectStatus(t, http.StatusOK)
	}
	preflight := p.Do(t, http.MethodOptions, "/statistics", "", "Origin", "https://page.example",
		"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
	preflight.ExpectStatus(t, http.StatusNoContent)
	preflight.ExpectHeader(t, "Access-Control-Allow-Headers", "authorization")
}

// tlsPair are the files of a certificate that vouches for itself.
type tlsPair struct {
	cert, key string
	roots     *x509.CertPool
}

// newPair writes, or overwrites, cert.pem and key.pem.
func newPair(t testing.TB, directory, name string) tlsPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pair := tlsPair{filepath.Join(directory, "cert.pem"), filepath.Join(directory, "key.pem"), x509.NewCertPool()}
	writePEM(t, pair.cert, "CERTIFICATE", cert)
	writePEM(t, pair.key, "PRIVATE KEY", secret)
	if parsed, err := x509.ParseCertificate(cert); err == nil {
		pair.roots.AddCert(parsed)
	}
	return pair
}

func writePEM(t testing.TB, path, kind string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// secure makes the helpers of blackbox.Server speak TLS and trust anybody.
func secure(p *blackbox.Program) {
	p.URL = "https://" + p.Address
	p.Client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
}

// shown is the name in the certificate that a new connection is shown.
func shown(t testing.TB, p *blackbox.Program) string {
	t.Helper()
	conn, err := tls.Dial("tcp", p.Address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func speaksTLS(t *testing.T, p *blackbox.Program) {
	if name := shown(t, p); name != "first" {
		t.Errorf("the certificate is that of %q, want first", name)
	}
	secure(p)
	p.Created(t, blackbox.RecordOf("RSA"))
	p.ExpectTotal(t, "RSA", 1)
}

func TestTLSFilesAreReadAgainOnSIGHUP(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	pair := newPair(t, directory, "first")
	p := blackbox.StartProgram(t, t.TempDir(), []string{"TLS_CERT=" + pair.cert, "TLS_KEY=" + pair.key})
	speaksTLS(t, p)
	newPair(t, directory, "second")
	hangUp(t, p, "reloaded")
	if name := shown(t, p); name != "second" {
		t.Errorf("after SIGHUP the certificate is that of %q, want second", name)
	}
	p.ExpectTotal(t, "RSA", 1)
	writePEM(t, pair.key, "PRIVATE KEY", []byte("no key"))
	hangUp(t, p, "not reloaded, so the old one stays")
	if name := shown(t, p); name != "second" {
		t.Errorf("after a SIGHUP with a bad key the certificate is that of %q, want second", name)
	}
	p.Created(t, blackbox.RecordOf("RSA"))
	p.Terminate(t)
}

func TestALargeRequestOverTLSIsToldWhyItIsRefused(t *testing.T) {
	t.Parallel()
	pair := newPair(t, t.TempDir(), "first")
	p := blackbox.StartProgram(t, t.TempDir(), []string{"TLS_CERT=" + pair.cert, "TLS_KEY=" + pair.key})
	secure(p)
	for range 5 {
		p.Post(t, strings.Repeat(" ", 4<<20)).ExpectMessage(t, http.StatusRequestEntityTooLarge)
	}
}

func TestBenefitsAreReadAgainOnSIGHUP(t *testing.T) {
	t.Parallel()
	list := listOf(t, "RSA\n")
	p := blackbox.StartProgram(t, t.TempDir(), []string{"BENEFITS_FILE=" + list})
	p.Post(t, blackbox.RecordOf("APL")).ExpectSingleRejected(t, "benefit_id")
	if err := os.WriteFile(list, []byte("APL\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp(t, p, "reloaded")
	p.Created(t, blackbox.RecordOf("APL"))
	p.Post(t, blackbox.RecordOf("RSA")).ExpectSingleRejected(t, "benefit_id")
}

// hangUp sends SIGHUP and waits until the log says something.
func hangUp(t testing.TB, p *blackbox.Program, message string) {
	t.Helper()
	if err := p.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.Await(t, message)
}
