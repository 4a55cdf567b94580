package records

import "strings"

// choices are bytes that each decide one thing about a page, so that fuzzing
// finds its way through the decoder by whole fields and not by letters.
type choices []byte

// pick is the next of the options. When the choices are used up, it is the first.
func (c *choices) pick(options ...string) string {
	if len(*c) == 0 {
		return options[0]
	}
	choice := (*c)[0]
	*c = (*c)[1:]
	return options[int(choice)%len(options)]
}

// page is a batch of records that mostly repeat the one before but for the
// benefit and the index.
func (c choices) page() []byte {
	var page strings.Builder
	page.WriteString(c.pick("[", " [", "\xef\xbb\xbf[", "[\n", ""))
	template := c.record()
	for i := 0; len(c) > 0 && i < 50; i++ {
		if i > 0 {
			page.WriteString(c.pick(",", ",", ",", " , ", ",\n\t", ",,", "", ";"))
		}
		if c.pick("same", "same", "same", "other") == "other" {
			template = c.record()
		}
		page.WriteString(c.filled(template))
	}
	page.WriteString(c.pick("]", "]", "]", " ]\n", ",]", "", "]]"))
	return []byte(page.String())
}

// filled is a record of a template, with values of its own.
func (c *choices) filled(template string) string {
	filled := strings.ReplaceAll(template, "<id>", c.id())
	filled = strings.ReplaceAll(filled, "<index>", c.index())
	for _, slot := range []struct {
		place string
		value func() string
	}{
		{"<hash>", c.id},
		{"<total>", func() string {
			return c.pick("60", "60", "61", "9", "1", "0", "1000", "1001", "060", "60.0", `"60"`, "6e1", "70000")
		}},
		{"<version>", func() string {
			return c.pick("2", "2", "3", "0", "9999", "65535", "65536", "02", "2.0", `"2"`, "null", "-2", "2}")
		}},
		{"<event>", func() string { return c.pick("show", "link", "email", "SHOW", "", `sh\u006fw`, `show","x":"y`) }},
		{"<experiments>", func() string {
			return c.pick(`{"a":"b"}`, `{"a":"c"}`, `{"a":"b","c":"d"}`, `{}`, `null`, `[]`, `{"a":1}`, `{"":"b"}`, `{"a":"\u0062"}`, `{"a":"b"}}`, `{"a":"b"`)
		}},
	} {
		if strings.Contains(filled, slot.place) {
			filled = strings.ReplaceAll(filled, slot.place, slot.value())
		}
	}
	return filled
}

// clientRecord is a record as the client makes it.
const clientRecord = `{"benefit_id":"<id>","hash_id":"<hash>","abtesting":<experiments>,"benefit_index":<index>,"page_total":<total>,"event_type":"<event>","version":<version>}`

// Record is a record with a place for the benefit and one for the index.
func (c *choices) record() string {
	if c.pick("any", "any", "the client's") == "the client's" {
		return clientRecord
	}
	var members []string
	for range 9 {
		members = append(members, c.member())
	}
	for _, required := range []string{`"hash_id":"<hash>"`, `"page_total":<total>`, `"benefit_index":<index>`, `"benefit_id":"<id>"`} {
		if c.pick("here", "here", "here", "missing") == "here" {
			members = append(members, required)
		}
	}
	if c.pick("forth", "back") == "back" {
		for i, j := 0, len(members)-1; i < j; i, j = i+1, j-1 {
			members[i], members[j] = members[j], members[i]
		}
	}
	separator := c.pick(",", ", ", ",\n")
	record := c.pick("{", "{ ") + strings.Trim(strings.Join(members, separator), ", \n") + c.pick("}", " }", "", "}}")
	return strings.ReplaceAll(record, separator+separator, separator)
}

func (c *choices) member() string {
	return c.pick("", "", "", "", `"event_type":"link"`, `"version":3`, `"abtesting":{"a":"b"}`, `"event_type":"<event>"`, `"version":<version>`, `"abtesting":<experiments>`, `"event_type":"<event>"`, `"abtesting":[]`, `"x":{"benefit_id":"n","benefit_index":5}`,
		`"x":[{"benefit_id":"n"},1]`, `"benefit_id":"<id>"`, `"benefit_id":"twice"`, `"benefit_index":<index>`, `"benefit_index":3`,
		`"benefit_inde\u0078":4`, `"benefit\u005fid":"escaped"`, `"Benefit_id":"case"`, `"x":"benefit_id"`, `"benefit_id":7`, `"benefit_id":null`,
		`"benefit_index":"2"`, `"benefit_index":1.0`, `"benefit_index":-1`, `"page_total":"50"`, `"page_total":3`, `"created_at":"2026-07-15"`,
		`"x":1e5`, `"x":01`, `"x":tru`, `"x":"<id>"`, `"x":<index>`, `"":{}`, `"x":"\\"`, `"x":"}"`, `"x":"]"`, "\"x\":\"\xff\"")
}

func (c *choices) id() string {
	return c.pick("a", "b", "aide-logement", "é", `\u00e9`, `\"`, `\\`, "", "\xff", "\x01", "}", ",", `"`, `","benefit_index":4,"y":"`, strings.Repeat("z", 256), strings.Repeat("z", 257), "benefit_id", "支")
}

func (c *choices) index() string {
	return c.pick("1", "2", "10", "60", "61", "0", "01", "1.0", "1e0", "-1", `"3"`, " 4", "5 ", "12345", "123456789012", "", "1,", "null", `"benefit_id"`)
}
