package main

import "strconv"

// heads are the heads of posts as browsers send them: the fields of each browser in its own
// order, several languages, and cookies of which no two visitors have the same. A server that
// would remember the bytes of a head gains nothing here, as it would nowhere else.
type heads []browser

// browser is a head in two parts: before and after a visitor's cookie. The second one ends
// before the value of Content-Length.
type browser struct{ before, after []byte }

// newHeads returns the heads of a shape's requests.
func newHeads(shape workloadShape) heads {
	first := "POST " + shape.path + " HTTP/1.1\r\nHost: " + shape.host + "\r\n"
	var all heads
	for _, fields := range browserFields() {
		all = append(all, browser{[]byte(first + fields.before), []byte(fields.after + "Content-Length: ")})
	}
	return all
}

// appendTo appends the head of one visitor's requests, up to the value of Content-Length.
func (h heads) appendTo(request []byte, visitor uint64) []byte {
	which := h[visitor%uint64(len(h))]
	request = append(request, which.before...)
	request = strconv.AppendUint(request, visitor, 16)
	return append(request, which.after...)
}

// browserFields are the fields of posts to a server of the same site, as Chrome on Windows,
// Chrome on Android, Firefox, Safari on a telephone and Edge sent them in 2025.
func browserFields() []struct{ before, after string } {
	const site = "Origin: https://www.example.org\r\nReferer: https://www.example.org/\r\n"
	const fetched = "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
	const chromium = "Connection: keep-alive\r\nContent-Type: application/json\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" + site + fetched
	return []struct{ before, after string }{
		{chromium + "sec-ch-ua-platform: \"Windows\"\r\n" +
			"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36\r\n" +
			"sec-ch-ua: \"Google Chrome\";v=\"141\", \"Not?A_Brand\";v=\"8\", \"Chromium\";v=\"141\"\r\nsec-ch-ua-mobile: ?0\r\n" +
			"Accept-Language: fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7\r\nCookie: _pk_id.6.1fff=", ".1764150000.\r\n"},
		{chromium + "sec-ch-ua-platform: \"Android\"\r\n" +
			"User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36\r\n" +
			"sec-ch-ua: \"Google Chrome\";v=\"141\", \"Not?A_Brand\";v=\"8\", \"Chromium\";v=\"141\"\r\nsec-ch-ua-mobile: ?1\r\n" +
			"Accept-Language: fr-FR,fr;q=0.9\r\nCookie: _pk_id.6.1fff=", ".1764150000.; _pk_ses.6.1fff=1\r\n"},
		{"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: application/json, text/plain, */*\r\n" +
			"Accept-Language: fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nContent-Type: application/json\r\n" +
			site + "DNT: 1\r\nConnection: keep-alive\r\nCookie: _pk_id.6.1fff=", ".1764150000.\r\n" + fetched + "Priority: u=4\r\n"},
		{"Accept: */*\r\nContent-Type: application/json\r\n" + fetched + "Accept-Language: pt-PT,pt;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n" + site +
			"User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1\r\n" +
			"Connection: keep-alive\r\nCookie: _pk_id.6.1fff=", ".1764150000.\r\n"},
		{chromium + "sec-ch-ua-platform: \"Windows\"\r\n" +
			"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0\r\n" +
			"sec-ch-ua: \"Microsoft Edge\";v=\"141\", \"Not?A_Brand\";v=\"8\", \"Chromium\";v=\"141\"\r\nsec-ch-ua-mobile: ?0\r\n" +
			"Accept-Language: ar,fr;q=0.9,en;q=0.8\r\nCookie: _pk_id.6.1fff=", ".1764150000.\r\n"},
	}
}
