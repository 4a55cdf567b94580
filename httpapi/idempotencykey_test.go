package httpapi

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"stats-recorder/httpapi/records"
)

// TestTheLargestAnswerThatAKeyRemembersIsSmall has the longest messages, as many as there
// can be. A snapshot has room for a megabyte in a section.
func TestTheLargestAnswerThatAKeyRemembersIsSmall(t *testing.T) {
	decoder := records.NewDecoder(records.NewRules([]string{"show"}, 0, nil), nil)
	record := `{"benefit_id":"b","hash_id":"h","benefit_index":1,"page_total":1,"event_type":"` + strings.Repeat(`\u0001\\\"`, 300) + `"}`
	body := "[" + strings.TrimSuffix(strings.Repeat(record+",", 3*records.MaxListed), ",") + "]"
	if err := decoder.Decode([]byte(body), time.Now()); err != nil {
		t.Fatal(err)
	}
	answer := rejectionsAnswer(decoder)
	encoded := encodeAnswer(answer)
	if len(decoder.Rejected) != records.MaxListed || len(answer) > 128<<10 || len(encoded) > 128<<10 {
		t.Errorf("%d rejected records are told in %d bytes, %d compressed", len(decoder.Rejected), len(answer), len(encoded))
	}
	if decoded, err := decodeAnswer(encoded); err != nil || !bytes.Equal(decoded, answer) {
		t.Errorf("another answer comes back: %v", err)
	}
}
