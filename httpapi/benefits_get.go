package httpapi

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"stats-recorder/counters"
)

// readBenefits sums the events of each benefit, of all time or of a window.
func readBenefits(store *counters.Store, history History) func(Request) (Answer, error) {
	return func(r Request) (answer Answer, err error) {
		window, err := AskedWindow(r.Query, history, &answer, time.Hour, time.UTC)
		if err != nil {
			return answer, err
		}
		sums := benefitSums{store: store}
		if err := history.Read(counters.EventTotals(window.Bounds()), counters.VisitTotals(sums.add)); err != nil {
			return answer, err
		}
		answer.Body = sums.json()
		return answer, nil
	}
}

// benefitSums gathers benefits, each with its events rendered as it comes.
type benefitSums struct {
	store    *counters.Store
	benefits []benefitSum
}

type benefitSum struct {
	name   string
	events []byte
}

func (b *benefitSums) add(number counters.Benefit, totals []counters.EventTotal) {
	events := appendTotals(nil, b.store.Events.Names(), totals)
	b.benefits = append(b.benefits, benefitSum{b.store.Benefits.Names()[number], events})
}

// json orders the benefits and puts the answer together.
func (b *benefitSums) json() []byte {
	slices.SortFunc(b.benefits, func(a, b benefitSum) int { return strings.Compare(a.name, b.name) })
	body := []byte{'['}
	for i, benefit := range b.benefits {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendBenefitSum(body, benefit)
	}
	return append(body, ']')
}

func appendBenefitSum(dst []byte, benefit benefitSum) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendQuoted(dst, benefit.name)
	dst = append(dst, `,"events":`...)
	dst = append(dst, benefit.events...)
	return append(dst, '}')
}

// appendTotals renders {"<event type>":count}, in the order of the names.
func appendTotals(dst []byte, names []string, totals []counters.EventTotal) []byte {
	slices.SortFunc(totals, func(a, b counters.EventTotal) int {
		return strings.Compare(names[a.Event-1], names[b.Event-1])
	})
	dst = append(dst, '{')
	for i, total := range totals {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, names[total.Event-1]), ':')
		dst = strconv.AppendUint(dst, total.Count, 10)
	}
	return append(dst, '}')
}
