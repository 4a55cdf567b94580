package page

import (
	"slices"
	"strconv"

	"stats-recorder/insight"
	"stats-recorder/page/words"
)

// filters are the form of a view: it sends what the address says, and needs no script.
type filters struct {
	Hidden []pair
	Fields []field
}

// A field is a choice, or a text of a type.
type field struct {
	Name, Label string
	Options     []option
	Type, Value string
	Limit       int
}

type option struct {
	Value, Name string
	Selected    bool
}

// newFilters makes the form with the window and these fields.
func (r *request) newFilters(fields ...field) filters {
	all := append(r.windowFields(), fields...)
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return filters{Hidden: r.address.except(append(names, askDays, askStart, askEnd, askLimit)...), Fields: all}
}

// windowFields are the window: a length, or dates.
func (r *request) windowFields() []field {
	days := field{Name: askDays, Label: r.T("filter.period")}
	options := presets
	if !slices.Contains(presets, r.window.preset) {
		options = append([]string{r.window.preset}, presets...)
	}
	for _, preset := range options {
		name := r.T("period." + preset)
		if !slices.Contains(presets, preset) {
			name = r.language.Fill("period.n", words.With{"n": preset})
		}
		days.Options = append(days.Options, option{preset, name, preset == r.window.preset})
	}
	if r.window.preset != daysDates {
		return []field{days}
	}
	return []field{days,
		{Name: askStart, Label: r.T("filter.from"), Type: "date", Value: r.window.from.String()},
		{Name: askEnd, Label: r.T("filter.to"), Type: "date", Value: r.window.to.String()}}
}

func (r *request) stageField() field {
	return field{Name: askStage, Label: r.T("filter.stage"), Options: []option{
		{"", r.T("stage.opened"), r.stage == insight.StageOpened},
		{insight.StageActed.String(), r.T("stage.acted"), r.stage == insight.StageActed},
	}}
}

func (r *request) compareField() field {
	chosen := r.address[askCompare] == "before"
	return field{Name: askCompare, Label: r.T("filter.compare"), Options: []option{
		{"", r.T("compare.none"), !chosen}, {"before", r.T("compare.before"), chosen},
	}}
}

// groupField offers the groups that there are, and one that was asked for beside.
func (r *request) groupField(groups []string) field {
	chosen := r.address[askGroup]
	f := field{Name: askGroup, Label: r.T("filter.group"), Options: []option{{"", r.T("group.all"), chosen == ""}}}
	if chosen != "" && !slices.Contains(groups, chosen) {
		groups = append([]string{chosen}, groups...)
	}
	for _, g := range groups {
		f.Options = append(f.Options, option{g, g, g == chosen})
	}
	return f
}

const longestSearch = 200

func (r *request) searchField() field {
	return field{Name: askSearch, Label: r.T("filter.search"), Type: "search", Value: r.address[askSearch], Limit: longestSearch}
}

// versionField is there once another version was asked for.
func (r *request) versionField() []field {
	if r.address[askVersion] == "" {
		return nil
	}
	return []field{r.versionInput()}
}

// versionInput asks for a version, of which few servers have more than one.
func (r *request) versionInput() field {
	return field{Name: askVersion, Label: r.T("filter.version"), Type: "number", Value: strconv.Itoa(int(r.version()))}
}
