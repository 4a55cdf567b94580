package records

import (
	"bytes"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/goccy/go-json/jsontext"
	json "github.com/goccy/go-json/v2"
)

// Experiments are the experiments of a record and their variants: a JSON object of strings
// that are neither empty nor too long, as the client sent it where nothing had to be left
// out. Records of one visitor nearly always have the same bytes.
type Experiments []byte

// Each visits the experiments; of duplicate names the last. The bytes are those of the
// record.
func (e Experiments) Each(visit func(name, variant []byte)) {
	if bytes.IndexByte(e, '\\') >= 0 {
		e.eachUnquoted(visit)
		return
	}
	var pairs [maxExperiments][2][]byte
	n := 0
	for rest := []byte(e); n < maxExperiments; n++ {
		var name, variant []byte
		if name, rest = nextText(rest); name == nil {
			break
		}
		variant, rest = nextText(rest)
		pairs[n] = [2][]byte{name, variant}
	}
	for i, pair := range pairs[:n] {
		again := slices.ContainsFunc(pairs[i+1:n], func(later [2][]byte) bool { return bytes.Equal(later[0], pair[0]) })
		if !again {
			visit(pair[0], pair[1])
		}
	}
}

// nextText is the next string of an object without escapes, nil for none.
func nextText(object []byte) (text, rest []byte) {
	start := bytes.IndexByte(object, '"') + 1
	if start == 0 {
		return nil, nil
	}
	end := start + bytes.IndexByte(object[start:], '"')
	return object[start:end], object[end+1:]
}

func (e Experiments) eachUnquoted(visit func(name, variant []byte)) {
	var texts map[string]string
	if json.Unmarshal(e, &texts, lenient) != nil {
		return // not reached: the object comes from a decoded record
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		visit([]byte(name), []byte(texts[name]))
	}
}

// experiments reads the experiments. What is odd in them is left out and noted, and the
// record counts. The result may alias the raw value.
func (c *checker) experiments(raw jsontext.Value) Experiments {
	c.oddities = c.oddities[:0]
	switch {
	case len(raw) == 0 || raw[0] == 'n' || string(raw) == `""`:
	case raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0:
	case raw[0] != '{':
		c.oddities = append(c.oddities, wrongType)
	case !plainExperiments(raw):
		return c.goodExperiments(raw)
	default:
		return Experiments(raw)
	}
	return nil
}

// goodExperiments reads the experiments one by one, so that of duplicate names only the
// last counts.
func (c *checker) goodExperiments(raw jsontext.Value) Experiments {
	var experiments map[string]jsontext.Value
	if err := json.Unmarshal(raw, &experiments, lenient); err != nil {
		c.oddities = append(c.oddities, wrongType)
		return nil
	}
	if len(experiments) > maxExperiments {
		c.oddities = append(c.oddities, tooMany)
	}
	good, taken := []byte{'{'}, 0
	for _, name := range slices.Sorted(maps.Keys(experiments)) {
		quoted := experiments[name]
		if quoted[0] != '"' {
			c.oddities = append(c.oddities, wrongType)
			continue
		}
		value := unquote(quoted)
		if len(name) == 0 || len(name) > maxExperimentBytes || len(value) == 0 || len(value) > maxExperimentBytes {
			c.oddities = append(c.oddities, wrongLength)
			continue
		}
		if taken == maxExperiments {
			continue
		}
		if taken++; taken > 1 {
			good = append(good, ',')
		}
		good, _ = jsontext.AppendQuote(good, name) // an error is of invalid UTF-8, which becomes U+FFFD
		good, _ = jsontext.AppendQuote(append(good, ':'), string(value))
	}
	if taken == 0 {
		return nil
	}
	return append(good, '}')
}

// plainExperiments says whether a valid JSON object is, at a glance, a good set
// of experiments. It spares nearly every record the map; when it says no, the
// map decides.
func plainExperiments(raw jsontext.Value) bool {
	rest, texts := raw[1:len(raw)-1], 0
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n,:")
		if len(rest) == 0 {
			return texts <= 2*maxExperiments
		}
		if rest[0] != '"' {
			return false
		}
		end := bytes.IndexByte(rest[1:], '"')
		if end < 1 || end > maxExperimentBytes {
			return false
		}
		for _, c := range rest[1 : 1+end] {
			if c == '\\' || c >= utf8.RuneSelf {
				return false
			}
		}
		texts++
		rest = rest[end+2:]
	}
}
