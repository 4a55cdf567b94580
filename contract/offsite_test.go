package contract

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness"
)

// storage is as much of the S3 API as the server uses, in memory, so that every machine
// has one. backup/objectstore/s3test tries a real server.
type storage struct {
	mu      sync.Mutex
	objects map[string][]byte
	broken  bool
}

func credentials() []string { return []string{"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret"} }

// newStorage is an empty one, and the BACKUP_URL of a bucket in it.
func newStorage(t testing.TB) (s *storage, url string) {
	t.Helper()
	s = &storage{objects: map[string][]byte{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, "s3://bucket/prefix?region=here&endpoint=" + server.URL
}

func storageOf(t testing.TB) string {
	_, url := newStorage(t)
	return url
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/bucket/")
	content, found := s.objects[key]
	switch {
	case s.broken || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=key/"):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodPut:
		content, err := io.ReadAll(unchunked(r))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.objects[key] = content
		w.Header().Set("ETag", etag(content))
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Query().Has("list-type"):
		s.list(w, r.URL.Query().Get("prefix"))
	case !found:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<Error><Code>NoSuchKey</Code></Error>")
	default:
		w.Header().Set("ETag", etag(content))
		http.ServeContent(w, r, "", time.Now(), bytes.NewReader(content))
	}
}

func etag(content []byte) string {
	sum := md5.Sum(content)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (s *storage) list(w io.Writer, prefix string) {
	type object struct{ Key string }
	var answer struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []object
	}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) {
			answer.Contents = append(answer.Contents, object{key})
		}
	}
	_ = xml.NewEncoder(w).Encode(answer)
}

// unchunked is a body without the signatures of its chunks.
func unchunked(r *http.Request) io.Reader {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return r.Body
	}
	var content bytes.Buffer
	body := bufio.NewReader(r.Body)
	for {
		line, err := body.ReadString('\n')
		digits, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		size, parseError := strconv.ParseInt(digits, 16, 64)
		if err != nil || parseError != nil || size == 0 {
			return &content
		}
		_, _ = io.CopyN(&content, body, size)
		_, _ = body.Discard(len("\r\n"))
	}
}

func (s *storage) breaks(isBroken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = isBroken
}

// has says whether there is an object whose key has all of the parts.
func (s *storage) has(parts ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.objects {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(key, part) }) {
			return true
		}
	}
	return false
}

func isBackedUp(t *testing.T, p *blackbox.Program) {
	p.Await(t, "everything is backed up to object storage: with the disk, at most what was counted since the last upload is lost")
}

func isBackedUpSoon(t *testing.T, p *blackbox.Program) {
	line := p.Await(t, "everything is backed up to object storage: with the disk, at most what was counted since the last upload is lost")
	if interval := line.Text(t, "backup_interval"); interval != "1s" {
		t.Errorf("the interval is %s", interval)
	}
}

// TestADiskThatIsLostCostsNothingAfterAnOrderlyStop loses the directory between servers.
func TestADiskThatIsLostCostsNothingAfterAnOrderlyStop(t *testing.T) {
	t.Parallel()
	stored, url := newStorage(t)
	for life := range 3 {
		p := blackbox.StartProgram(t, t.TempDir(), append(credentials(), "BACKUP_URL="+url, "BACKUP_INTERVAL=1h"))
		if life > 0 {
			p.ExpectTotal(t, "RSA", life)
		}
		p.Created(t, blackbox.RecordOf("RSA"))
		p.Terminate(t)
	}
	if !stored.has("manifests/") {
		t.Error("nothing is stored")
	}
	p := blackbox.Run(t, append(credentials(), "DATA_DIR="+t.TempDir()), "restore", url)
	if p.Code != 0 || !strings.Contains(p.Stdout, "restored into") {
		t.Errorf("restore: %+v", p)
	}
}

// TestADiskThatIsLostCostsAtMostTheIntervalAfterACrash waits until a record is stored.
func TestADiskThatIsLostCostsAtMostTheIntervalAfterACrash(t *testing.T) {
	t.Parallel()
	stored, url := newStorage(t)
	settings := append(credentials(), "BACKUP_URL="+url, "BACKUP_INTERVAL=1s")
	p := blackbox.StartProgram(t, t.TempDir(), settings)
	p.Created(t, blackbox.RecordOf("RSA"))
	if !harness.Until(func() bool { return stored.has("manifests/", "-0000000000000001-") }) { // its commit
		t.Fatalf("the record is not stored:\n%s", p.Log)
	}
	p.Kill(t)
	again := blackbox.StartProgram(t, t.TempDir(), settings)
	again.Await(t, "restored the newest backup")
	again.ExpectTotal(t, "RSA", 1)
}

func TestStorageThatFailsStopsNoCounting(t *testing.T) {
	t.Parallel()
	stored, url := newStorage(t)
	settings := append(credentials(), "BACKUP_URL="+url, "BACKUP_INTERVAL=1s")
	directory := t.TempDir()
	p := blackbox.StartProgram(t, directory, settings)
	p.Created(t, blackbox.RecordOf("RSA"))
	stored.breaks(true)
	p.Await(t, "cannot back up to object storage; counting goes on, and it is tried again")
	p.Created(t, blackbox.RecordOf("RSA"))
	stored.breaks(false)
	p.Await(t, "backups to object storage succeed again")
	p.Terminate(t)
	stored.breaks(true)
	blackbox.Run(t, append(settings, "DATA_DIR="+t.TempDir(), "PORT=0", "ADMIN_ADDR=off")).ExpectRefusal(t, "is empty, and BACKUP_URL cannot be asked")
	p = blackbox.StartProgram(t, directory, settings)
	p.Await(t, "object storage does not answer; it is tried again")
	p.ExpectTotal(t, "RSA", 2)
}

func TestAnotherDirectoryIsNotBackedUpInTheSamePlace(t *testing.T) {
	t.Parallel()
	_, url := newStorage(t)
	other := t.TempDir()
	p := blackbox.StartProgram(t, other, nil)
	p.Created(t, blackbox.RecordOf("RSA"))
	p.Terminate(t)
	settings := append(credentials(), "BACKUP_URL="+url)
	first := blackbox.StartProgram(t, t.TempDir(), settings)
	first.Created(t, blackbox.RecordOf("APL"))
	first.Terminate(t)
	blackbox.Run(t, append(settings, "DATA_DIR="+other, "PORT=0", "ADMIN_ADDR=off")).ExpectRefusal(t, "BACKUP_URL", "another data directory")
}
