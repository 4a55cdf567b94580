package report

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// Benefits is the table of benefits.
type Benefits struct {
	Window   Window    `json:"window"`
	Model    Model     `json:"model"`
	Benefits []Benefit `json:"benefits"`
	// Groups are sums over the benefits of a group, for those that have one.
	Groups []Group `json:"groups"`
	// Never are benefits that have a label and were not shown in the window.
	Never []Identity `json:"never"`
}

// Benefit is a row. insight.Benefit says what the numbers are.
type Benefit struct {
	Identity
	Shows         uint64               `json:"shows"`
	Clicks        uint64               `json:"clicks"`
	CTR           insight.Number       `json:"ctr"`
	CTRInterval   insight.Interval     `json:"ctr_interval"`
	Expected      float64              `json:"expected"`
	Merit         insight.Number       `json:"merit"`
	MeritInterval insight.Interval     `json:"merit_interval"`
	Score         insight.Number       `json:"score"`
	Rank          Rank                 `json:"rank"`
	RankInterval  insight.RankInterval `json:"rank_interval"`
	Verdict       insight.Verdict      `json:"verdict"`
	Exposure      insight.Number       `json:"exposure"`
	UnderExposed  bool                 `json:"under_exposed"`
	COEC          insight.Number       `json:"coec"`
	Orphans       uint64               `json:"orphan_clicks"`
}

// Group sums up the benefits of a group that were shown or clicked.
type Group struct {
	Group       Text             `json:"group"`
	Benefits    int              `json:"benefits"`
	Shows       uint64           `json:"shows"`
	Clicks      uint64           `json:"clicks"`
	CTR         insight.Number   `json:"ctr"`
	CTRInterval insight.Interval `json:"ctr_interval"`
	// Expected is of the benefits that were compared, and Merit their clicks ÷ it.
	// MeritInterval is of the noise of the clicks alone.
	Expected      float64          `json:"expected"`
	Merit         insight.Number   `json:"merit"`
	MeritInterval insight.Interval `json:"merit_interval"`
}

// Benefits is the table of the benefits of a window, in the query's order. A group,
// a benefit and a limit choose rows; the fit is always of all benefits.
func (r *Reporter) Benefits(ctx context.Context, q Query) (Benefits, error) {
	e, window, err := r.examine(ctx, q)
	if err != nil {
		return Benefits{}, err
	}
	labels := r.Labels()
	rows := make([]Benefit, 0, len(e.analysis.Benefits))
	groups := newGroupSums(e.analysis.Model.Dispersion)
	for _, b := range e.analysis.Benefits {
		identity := labels.identity(b.Name)
		if !q.chooses(identity) {
			continue
		}
		groups.add(identity.Group, b)
		if b.Shows+b.Clicks+b.Orphans > 0 {
			rows = append(rows, rowOf(identity, b))
		}
	}
	q.sort(rows)
	if q.Limit > 0 && len(rows) > q.Limit {
		rows = rows[:q.Limit]
	}
	return Benefits{
		Window: window, Model: modelOf(e.analysis.Model), Benefits: rows,
		Groups: groups.rows(), Never: e.never(labels, q),
	}, nil
}

// chooses says whether a benefit is asked for.
func (q Query) chooses(identity Identity) bool {
	return (q.Benefit == "" || identity.ID == q.Benefit) && (q.Group == "" || string(identity.Group) == q.Group)
}

func rowOf(identity Identity, b insight.Benefit) Benefit {
	return Benefit{
		Identity: identity, Shows: b.Shows, Clicks: b.Clicks, CTR: b.CTR, CTRInterval: b.CTRInterval,
		Expected: b.Expected, Merit: b.Merit, MeritInterval: b.MeritInterval, Score: b.Score,
		Rank: Rank(b.Rank), RankInterval: b.RankInterval, Verdict: b.Verdict,
		Exposure: b.Exposure, UnderExposed: b.UnderExposed, COEC: b.COEC, Orphans: b.Orphans,
	}
}

func (q Query) sort(rows []Benefit) {
	slices.SortFunc(rows, func(a, b Benefit) int {
		return cmp.Or(q.Order.compare(a, b), strings.Compare(a.ID, b.ID))
	})
}

func (o Order) compare(a, b Benefit) int {
	switch o {
	case OrderID:
		return 0
	case OrderMerit:
		return descending(a.Merit, b.Merit)
	case OrderClicks:
		return cmp.Compare(b.Clicks, a.Clicks)
	case OrderShows:
		return cmp.Compare(b.Shows, a.Shows)
	case OrderCTR:
		return descending(a.CTR, b.CTR)
	default:
		return descending(a.Score, b.Score)
	}
}

// descending compares numbers, unknown ones last.
func descending(a, b insight.Number) int {
	if a.Known() != b.Known() {
		return cmp.Compare(btoi(b.Known()), btoi(a.Known()))
	}
	if !a.Known() {
		return 0
	}
	return cmp.Compare(b, a)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// never are the benefits with a label, among those asked for, without shows.
func (e *examined) never(labels Labels, q Query) []Identity {
	never := []Identity{}
	for _, id := range labels.ids() {
		if identity := labels.identity(id); !e.shown(id) && q.chooses(identity) && id != counters.OtherBenefit {
			never = append(never, identity)
		}
	}
	return never
}

// shown says whether a benefit was.
func (e *examined) shown(id string) bool {
	rows := e.analysis.Benefits
	i, found := slices.BinarySearchFunc(rows, id, func(b insight.Benefit, id string) int { return strings.Compare(b.Name, id) })
	return found && rows[i].Shows > 0
}

// groupSums adds up groups.
type groupSums struct {
	dispersion float64
	groups     map[Text]*groupSum
}

type groupSum struct {
	benefits      int
	shows, clicks uint64
	compared      insight.Outcome
}

func newGroupSums(dispersion float64) *groupSums {
	return &groupSums{dispersion: dispersion, groups: map[Text]*groupSum{}}
}

func (g *groupSums) add(group Text, b insight.Benefit) {
	if group == "" || b.Shows+b.Clicks == 0 {
		return
	}
	sum := g.groups[group]
	if sum == nil {
		sum = &groupSum{}
		g.groups[group] = sum
	}
	sum.benefits++
	sum.shows += b.Shows
	sum.clicks += b.Clicks
	sum.compared = sum.compared.Add(insight.Outcome{Observed: b.Compared, Expected: b.Expected})
}

// rows are the groups by name.
func (g *groupSums) rows() []Group {
	rows := make([]Group, 0, len(g.groups))
	for name, sum := range g.groups {
		merit, interval := sum.compared.Ratio(g.dispersion)
		rows = append(rows, Group{
			Group: name, Benefits: sum.benefits, Shows: sum.shows, Clicks: sum.clicks,
			CTR: insight.Rate(sum.clicks, sum.shows), CTRInterval: insight.Wilson(sum.clicks, sum.shows),
			Expected: sum.compared.Expected, Merit: merit, MeritInterval: interval,
		})
	}
	slices.SortFunc(rows, func(a, b Group) int { return cmp.Compare(a.Group, b.Group) })
	return rows
}
