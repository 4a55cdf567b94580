package report

import (
	"cmp"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// A Query says what is asked for. Each table looks at what concerns it.
type Query struct {
	// From and To are UTC days, To not included. Zero is open: without both it is all
	// of time, with what retention has taken.
	From, To counters.Day
	// Version is that of the records. Versions are different pages and never mixed.
	Version uint16
	// Stage is whose events are the clicks: insight.StageOpened, which is also meant
	// by insight.NoStage, or insight.StageActed.
	Stage insight.Stage
	// Benefit is the only one that is asked for, by its id; empty for all.
	Benefit string
	// Group is the only group that is asked for; empty for all.
	Group string
	// Order is that of benefits; empty for OrderScore.
	Order Order
	// Limit is how many benefits at most; 0 for all.
	Limit int
	// Step is that of a timeline; empty for StepDay.
	Step Step
	// Totals leaves out the benefits of a funnel.
	Totals bool
	// Plan is how experiments are compared.
	Plan Plan
	// Zone is that of the times of a timeline; nil for UTC. Days are those of UTC.
	Zone *time.Location
}

// An Order is what benefits are sorted by, the largest first. Those that have no
// such number come last, and equals by id.
type Order string

// The orders.
const (
	OrderScore  Order = "score"
	OrderMerit  Order = "merit"
	OrderClicks Order = "clicks"
	OrderShows  Order = "shows"
	OrderCTR    Order = "ctr"
	OrderID     Order = "id"
)

// Orders are all that there are.
func Orders() []Order {
	return []Order{OrderScore, OrderMerit, OrderClicks, OrderShows, OrderCTR, OrderID}
}

// A Step is the length of a step of a timeline.
type Step string

// The steps.
const (
	StepHour  Step = "hour"
	StepDay   Step = "day"
	StepWeek  Step = "week"
	StepMonth Step = "month"
)

// Steps are all that there are.
func Steps() []Step { return []Step{StepHour, StepDay, StepWeek, StepMonth} }

// windowKey is what an examined window is known by.
type windowKey struct {
	from, to counters.Day
	version  uint16
	stage    insight.Stage
}

// window is the key of the query's window without what retention has taken, and
// whether it has taken some of it.
func (q Query) window(source Source) (key windowKey, cut bool) {
	key = windowKey{from: q.From, to: q.To, version: q.Version, stage: q.clicks()}
	if key.to != 0 {
		key.to = min(key.to, endOfDays)
		key.from = min(key.from, key.to)
	}
	if kept, some := source.KeptFrom(); some && key.bounded() && key.from < kept {
		key.from, cut = kept, true
		if key.to != 0 {
			key.to = max(key.to, kept)
		}
	}
	return key, cut
}

// endOfDays is 9999-12-31, after which RFC 3339 has no dates: no window ends later.
const endOfDays counters.Day = 2_932_896

// clicks is the stage whose events are the clicks.
func (q Query) clicks() insight.Stage { return cmp.Or(q.Stage, insight.StageOpened) }

func (k windowKey) bounded() bool { return k.from != 0 || k.to != 0 }

// bounds are those of a counters.Query.
func (k windowKey) bounds() []counters.Hour {
	switch {
	case !k.bounded():
		return nil
	case k.to == 0 || k.to == endOfDays:
		return []counters.Hour{k.from.FirstHour(), counters.EndOfTime}
	default:
		return []counters.Hour{k.from.FirstHour(), k.to.FirstHour()}
	}
}

// A Window is what an answer is of.
type Window struct {
	// StartAt and EndAt are midnights of UTC, the latter not included; null if open.
	StartAt *time.Time `json:"start_at"`
	EndAt   *time.Time `json:"end_at"`
	Version uint16     `json:"version"`
	// Stage is whose events are the clicks,
	// null where the table is of all stages.
	Stage Text `json:"stage"`
	// Cut says that retention has taken what came before StartAt.
	Cut bool `json:"cut"`
}

func (k windowKey) window(cut bool) Window {
	return Window{StartAt: midnight(k.from), EndAt: midnight(k.to), Version: k.version, Stage: Text(k.stage.String()), Cut: cut}
}

// midnight is when a day begins; nil for an open end.
func midnight(day counters.Day) *time.Time {
	if day == 0 || day >= endOfDays {
		return nil
	}
	at := day.Time()
	return &at
}
