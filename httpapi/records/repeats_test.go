package records

import "strings"

// repeats are pages whose records differ only in benefit and index, or nearly.
func repeats() []string {
	var all []string
	for _, template := range templates() {
		record := func(id, index string) string {
			return strings.NewReplacer("<id>", id, "<index>", index).Replace(template)
		}
		page := func(separator string, records ...string) {
			all = append(all, `[`+strings.Join(records, separator)+`]`)
		}
		for _, id := range []string{
			`"b"`, `""`, `"é"`, "\"\xff\"", `"\u0062"`, `"b\\"`, `"b\""`, `"}"`, `"benefit_id"`, `"eightchr"`, `"twelve chars"`, `"seven…"`, "\"\xff, then far from the end\"",
			`5`, `null`, "\"\x01\"", "\"eightchr\x01\"", `"` + strings.Repeat("z", 256) + `"`, `"` + strings.Repeat("z", 257) + `"`,
		} {
			page(",", record(`"5"`, "1"), record(id, "2"), record(`"c"`, "3"))
			page(" ,\n", record(id, "1"), record(`"b"`, "2"))
		}
		for _, index := range []string{
			"9", "10", "0", "01", "2.0", "2.5", "2e0", "-2", `"2"`, "20000", "2 ", " 2", "", "22222", "1]", "true", "1,\"benefit_index\":3",
		} {
			page(",", record(`"5"`, "1"), record(`"b"`, index), record(`"c"`, "3"))
			page(",", record(`"5"`, index), record(`"b"`, "2"), record(`"c"`, "2.5"))
		}
		first, second := record(`"5"`, "1"), record(`"b"`, "2")
		of := func(visitor, record string) string { return strings.Replace(record, `"v"`, visitor, 1) }
		page(",", first, second, of(`"w"`, first), of(`"w"`, second), of(`"w"`, second), of(`"x"`, first), of(`"x"`, second), first, second)
		other := func(from, to, record string) string { return strings.Replace(record, from, to, 1) }
		page(",", of(`"w"`, first), of(`"x"`, other(`"show"`, `"link"`, second)), of(`"y"`, other(`"link"`, `"show"`, second)), of(`"z"`, first))
		page(",", of(`"w"`, first), of(`"x"`, other(`total":9`, `total":8`, second)), of(`"y"`, other(`total":9`, `total":1`, second)), of(`"z"`, second))
		for _, gap := range []string{",", " ,", ",\n ", ",,", "", ",{},", ",1,", ",["} {
			page(",", first, second, second, second+gap+first, second)
		}
		page(",", first, second, ``)
		page("", first, second)
		page(",", first, second+`x`)
		page(",", first, second[:len(second)-5])
	}
	return all
}

// templates are records with places for the benefit and its index, made so that
// a matcher of bytes goes wrong wherever it is careless. The first benefit of
// most pages is "5" and its index 1, which some templates repeat in other ways.
func templates() []string {
	return []string{
		`{"benefit_id":<id>,"hash_id":"v","benefit_index":<index>,"page_total":9}`,
		`{"event_type":"show","benefit_id":<id>,"hash_id":"v","benefit_index":<index>,"page_total":9}`,
		`{"page_total":9,"benefit_id":<id>,"hash_id":"v","version":2,"benefit_index":<index>,"event_type":"show"}`,
		`{"hash_id":"v","event_type":"show","benefit_id":<id>,"page_total":9,"version":2,"benefit_index":<index>}`,
		`{"page_total":9,"benefit_index":<index>,"hash_id":"v","benefit_id":<id>}`,
		"{ \"benefit_id\" : <id> ,\n\t\"benefit_index\" : <index> , \"page_total\":9, \"hash_id\":\"v\" }",
		`{"x":{"benefit_id":"5","benefit_index":1},"benefit_id":<id>,"benefit_index":<index>,"page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"page_total":9,"hash_id":"v","x":[{"benefit_id":"5"},"benefit_index",1]}`,
		`{"benefit_id":"5","benefit_index":1,"benefit_id":<id>,"benefit_index":<index>,"page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"benefit_id":"5","page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"benefit_id":5,"page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"benefit_index":1,"page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"benefit_index":"1","page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"benefit_index":1.0,"page_total":9,"hash_id":"v"}`,
		`{"benefit_index":"1","benefit_id":<id>,"benefit_index":<index>,"page_total":9,"hash_id":"v"}`,
		`{"benefit_id":[1],"benefit_index":{},"benefit_id":<id>,"benefit_index":<index>,"page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"benefit\u005fid":"5","page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"benefit_inde\u0078":1,"page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":1.<index>,"page_total":9,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":1e<index>,"page_total":900,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":1E<index>,"page_total":900,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>0e-1,"page_total":90,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"page_total":9,"hash_id":<id>}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"page_total":<index>,"hash_id":"v"}`,
		`{"benefit_id":<id>,"benefit_index":<index>,"page_total":9,"hash_id":"v","abtesting":{"benefit_id":"5"}}`,
		`{"Benefit_id":"5","benefit_id":<id>,"Benefit_index":1,"benefit_index":<index>,"page_total":9,"hash_id":"v"}`,
		`{"hash_id":"benefit_id","benefit_id":<id>,"x":"benefit_index","benefit_index":<index>,"page_total":9}`,
		`{"benefit_id":"<index>","benefit_index":<index>,"page_total":9,"hash_id":"v"}`,
	}
}
