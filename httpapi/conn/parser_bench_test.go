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

// BenchmarkParse reads posts as browsers send them, of which no two are the same.
func BenchmarkParse(b *testing.B) {
	var posts [64][]byte
	for i := range posts {
		posts[i] = []byte(browserHead + strconv.Itoa(i*7919) + "\r\n\r\n[]")
	}
	p := newParser("/benefits", []string{"Origin", "X-Forwarded-For", "Forwarded"}, 16<<10, 1<<20)
	var request fasthttp.Request
	b.SetBytes(int64(len(posts[0])))
	for i := 0; b.Loop(); i++ {
		if size, found := p.parse(&request, posts[i%len(posts)]); found != plain || size == 0 {
			b.Fatal("not plain")
		}
	}
}
