package main

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// recordBytes and requestOverheadBytes are about what a record and the rest of
// a request take on the wire; they only decide how many requests are prebuilt.
const (
	recordBytes          = 230
	requestOverheadBytes = 850
)

// composer holds the buffers that composing a request needs, so that a
// connection can compose one after the other without allocating.
type composer struct {
	page    page
	between []byte // what follows a record's benefit_id, up to its index
	after   []byte // what follows a record's index
	body    []byte
	request []byte
}

// compose returns the request of the composer's page, head and body, as a
// browser sends it. It is valid until the composer is used again.
func (c *composer) compose(w *workload) []byte {
	c.composeShared(w, c.page.visitor)
	c.body = append(c.body[:0], '[')
	for position, benefit := range c.page.benefits {
		if w.shape.strangers {
			const apart = 0x9e3779b97f4a7c15
			c.composeShared(w, c.page.visitor+uint64(position)*apart)
		}
		if position > 0 {
			c.body = append(c.body, ',')
		}
		c.body = append(c.body, `{"benefit_id":"`...)
		c.body = append(c.body, w.names[benefit]...)
		c.body = append(c.body, c.between...)
		c.body = strconv.AppendInt(c.body, int64(c.page.firstIndex+position), 10)
		c.body = append(c.body, c.after...)
	}
	c.body = append(c.body, ']')
	c.request = w.heads.appendTo(c.request[:0], c.page.visitor)
	c.request = strconv.AppendInt(c.request, int64(len(c.body)), 10)
	c.request = append(c.request, "\r\n\r\n"...)
	c.request = append(c.request, c.body...)
	return c.request
}

// composeShared prepares the parts that are the same in all records of a visitor on a
// page. The fields are those of the real client, in its order.
func (c *composer) composeShared(w *workload, visitor uint64) {
	var hash [8]byte
	binary.BigEndian.PutUint64(hash[:], visitor)
	c.between = append(c.between[:0], `","hash_id":"`...)
	c.between = hex.AppendEncode(c.between, hash[:])
	c.between = append(c.between, `","abtesting":{"results_presentation":"`...)
	c.between = append(c.between, layoutVariants()[visitor%3]...)
	c.between = append(c.between, `","call_to_action_text":"`...)
	c.between = append(c.between, wordingVariants()[visitor/3%2]...)
	c.between = append(c.between, `"},"benefit_index":`...)
	c.after = append(c.after[:0], `,"page_total":`...)
	c.after = strconv.AppendInt(c.after, int64(c.page.total), 10)
	c.after = append(c.after, `,"event_type":"`...)
	c.after = append(c.after, w.events[c.page.event]...)
	c.after = append(c.after, `","version":`...)
	c.after = strconv.AppendInt(c.after, int64(w.shape.version), 10)
	c.after = append(c.after, '}')
}

// layoutVariants and wordingVariants are the arms of the two experiments that
// every visitor takes part in.
func layoutVariants() [3]string { return [3]string{"flat_list", "grouped_by_theme", "by_amount"} }

func wordingVariants() [2]string { return [2]string{"see_details", "start_request"} }

// emptyReadRequest returns a browser's read of a window that has no records, whatever was
// posted.
func emptyReadRequest(shape workloadShape) []byte {
	return []byte("GET " + shape.path + "?start_at=2999-01-01 HTTP/1.1\r\n" +
		"Host: " + shape.host + "\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
		"Accept: application/json, text/plain, */*\r\n" +
		"Accept-Language: fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Origin: https://www.example.org\r\n" +
		"Referer: https://www.example.org/\r\n" +
		"Sec-Fetch-Mode: cors\r\n" +
		"Sec-Fetch-Site: cross-site\r\n" +
		"Connection: keep-alive\r\n\r\n")
}
