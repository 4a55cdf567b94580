package page

import (
	"net/url"
	"slices"
	"strings"

	"stats-recorder/httpapi"
)

// The parameters of the page. Those that the endpoints have too mean the same.
const (
	askLanguage   = "lang"
	askDays       = "days"
	askStart      = "start_at"
	askEnd        = "end_at"
	askVersion    = "version"
	askStage      = "stage"
	askGroup      = "group"
	askBenefit    = "benefit"
	askSearch     = "search"
	askCompare    = "compare"
	askOrder      = "order"
	askLimit      = "limit"
	askNever      = "never"
	askUnder      = "under"
	askMap        = "map"
	askPageTotal  = "page_total"
	askIndex      = "benefit_index"
	askExperiment = "experiment"
	askControl    = "control"
	askEffect     = "mde"
	askShare      = "share"
)

// parameters are all, in the order in which addresses have them.
var parameters = []string{askBenefit, askDays, askStart, askEnd, askStage, askGroup, askSearch, askVersion, askCompare, askOrder,
	askLimit, askNever, askUnder, askMap, askPageTotal, askIndex, askExperiment, askControl, askEffect, askLanguage, askShare}

// lasting are the parameters that go along from one view to another.
var lasting = []string{askDays, askStart, askEnd, askStage, askGroup, askVersion, askLanguage}

// An address is the parameters of a view's address. It is not changed.
type address map[string]string

// addressOf takes the known parameters of a query, each once. Empty is absent.
func addressOf(q httpapi.Query) address {
	a := address{}
	for _, name := range parameters {
		if value := q.First(name); value != "" {
			a[name] = value
		}
	}
	return a
}

// with is the address with some parameters changed; an empty value takes one away.
func (a address) with(changes ...string) address {
	changed := address{}
	for name, value := range a {
		changed[name] = value
	}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			delete(changed, changes[i])
		} else {
			changed[changes[i]] = changes[i+1]
		}
	}
	return changed
}

// only is the address with these parameters alone.
func (a address) only(names ...string) address {
	chosen := address{}
	for _, name := range names {
		if value := a[name]; value != "" {
			chosen[name] = value
		}
	}
	return chosen
}

// to is the address at a path, with the parameters in their order. It may stand in
// an attribute once it is escaped for HTML.
func (a address) to(path string) string {
	var out strings.Builder
	out.WriteString(path)
	sign := byte('?')
	for _, name := range parameters {
		value, ok := a[name]
		if !ok {
			continue
		}
		out.WriteByte(sign)
		out.WriteString(name + "=" + url.QueryEscape(value))
		sign = '&'
	}
	return out.String()
}

// A pair is a parameter that a form keeps.
type pair struct{ Name, Value string }

// except are the parameters that a form keeps, which has fields for the others.
func (a address) except(fields ...string) []pair {
	var kept []pair
	for _, name := range parameters {
		if value, ok := a[name]; ok && !slices.Contains(fields, name) {
			kept = append(kept, pair{name, value})
		}
	}
	return kept
}
