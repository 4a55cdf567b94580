package service

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stats-recorder/cluster/natslog"
)

// The keys of notes on the log's stream.
const (
	// eventTypesNote are event types, with commas between.
	eventTypesNote = "event_types"
	// settingsNote are the settings of the node that opened the log last, as JSON.
	settingsNote = "settings"
)

func eventTypesOn(notes map[string]string) []string {
	if notes[eventTypesNote] == "" {
		return nil
	}
	return strings.Split(notes[eventTypesNote], ",")
}

// settingsOn are the settings of the node that opened the log last; none where they cannot be
// read, which are of another version.
func settingsOn(notes map[string]string) map[string]string {
	settings := map[string]string{}
	if json.Unmarshal([]byte(notes[settingsNote]), &settings) != nil {
		return nil
	}
	return settings
}

func addEventTypes(ctx context.Context, connection *natslog.Connection, names []string) error {
	return connection.ChangeNote(ctx, eventTypesNote, func(before string) string {
		return strings.Join(append(eventTypesOn(map[string]string{eventTypesNote: before}), names...), ",")
	})
}

// alike are the settings by which answers of nodes with the same counts may differ. Those that
// follow the memory of a machine are not among them.
func (c Config) alike() map[string]string {
	return map[string]string{
		"RETENTION":          c.Retention.String(),
		"MAX_EVENT_AGE":      c.MaxEventAge.String(),
		"MAX_BENEFITS":       fmt.Sprint(c.MaxBenefits),
		"STAGES":             c.Stages,
		"VISITORS":           fmt.Sprint(c.Visitors),
		"VISITORS_RETENTION": c.VisitorsRetention.String(),
		"IDEMPOTENCY_WINDOW": c.IdempotencyWindow.String(),
	}
}

// compareSettings warns of settings that are not those of the node that opened the log last,
// and leaves its own for the next one.
func (c Config) compareSettings(ctx context.Context, connection *natslog.Connection) error {
	said, err := connection.Leader(ctx)
	if err != nil {
		return err
	}
	mine, theirs := c.alike(), settingsOn(said.Notes)
	if differing := differences(mine, theirs); len(differing) > 0 {
		c.Logger.Warn("settings are not those of the node that opened the log before: give all nodes the same, or their answers differ", "settings", differing)
	}
	if maps.Equal(mine, theirs) {
		return nil
	}
	written, err := json.Marshal(mine)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return connection.ChangeNote(ctx, settingsNote, func(string) string { return string(written) })
}

// differences says in words which settings differ.
func differences(mine, theirs map[string]string) (differing []string) {
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		if there, found := theirs[name]; found && there != mine[name] {
			differing = append(differing, fmt.Sprintf("%s is %q here and %q there", name, mine[name], there))
		}
	}
	return differing
}
