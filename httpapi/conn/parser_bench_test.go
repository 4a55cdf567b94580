package conn

import (
	"strconv"
	"testing"

	"github.com/valyala/fasthttp"
)

// browserHead is what a browser sends with a post to another origin.
const browserHead = "POST /benefits HTTP/1.1\r\n" +
	"Host: statistiques.exemple.gouv.fr\r\n" +
	"Connection: keep-alive\r\n" +
	"Content-Length: 2\r\n" +
	"sec-ch-ua-platform: \"Windows\"\r\n" +
	"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n" +
	"sec-ch-ua: \"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\"\r\n" +
	"Content-Type: application/json\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"Accept: */*\r\n" +
	"Origin: https://mes-aides.exemple.gouv.fr\r\n" +
	"Sec-Fetch-Site: same-site\r\n" +
	"Sec-Fetch-Mode: cors\r\n" +
	"Sec-Fetch-Dest: empty\r\n" +
	"Referer: https://mes-aides.exemple.gouv.fr/\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7\r\n" +
	"Cookie: visite="

// firefoxHead and safariHead have the same in another order, with other lengths.
const (
	firefoxHead = "POST /benefits HTTP/1.1\r\n" +
		"Host: statistiques.exemple.gouv.fr\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
		"Accept: application/json, text/plain, */*\r\n" +
		"Accept-Language: fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Content-Type: application/json\r\n" +
		"Content-Length: 2\r\n" +
		"Origin: https://mes-aides.exemple.gouv.fr\r\n" +
		"DNT: 1\r\n" +
		"Connection: keep-alive\r\n" +
		"Referer: https://mes-aides.exemple.gouv.fr/\r\n" +
		"Sec-Fetch-Dest: empty\r\n" +
		"Sec-Fetch-Mode: cors\r\n" +
		"Sec-Fetch-Site: same-site\r\n" +
		"Priority: u=4\r\n" +
		"Cookie: visite="
	safariHead = "POST /benefits HTTP/1.1\r\n" +
		"Host: statistiques.exemple.gouv.fr\r\n" +
		"Accept: */*\r\n" +
		"Content-Type: application/json\r\n" +
		"Origin: https://mes-aides.exemple.gouv.fr\r\n" +
		"Accept-Language: pt-PT,pt;q=0.9\r\n" +
		"Accept-Encoding: gzip, deflate, br\r\n" +
		"Connection: keep-alive\r\n" +
		"User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1\r\n" +
		"Referer: https://mes-aides.exemple.gouv.fr/\r\n" +
		"Content-Length: 2\r\n" +
		"Cookie: _pk_id.6.1fff=4c1f8a527d0e; visite="
)

// BenchmarkParse reads posts as several browsers send them, of which no two are the same, in
// no order that a processor could foresee.
func BenchmarkParse(b *testing.B) {
	heads := []string{browserHead, firefoxHead, safariHead}
	var posts [1024][]byte
	chosen := uint32(1)
	for i := range posts {
		chosen = chosen*1664525 + 1013904223
		posts[i] = []byte(heads[chosen>>16%3] + strconv.Itoa(int(chosen)) + "\r\n\r\n[]")
	}
	p := newParser("/benefits", []string{"Origin", "X-Forwarded-For", "Forwarded", "Idempotency-Key"}, 16<<10, 1<<20)
	var request fasthttp.Request
	b.SetBytes(int64(len(posts[0])))
	for i := 0; b.Loop(); i++ {
		if size, found := p.parse(&request, posts[i%len(posts)]); found != plain || size == 0 {
			b.Fatal("not plain")
		}
	}
}
