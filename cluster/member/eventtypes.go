package member

import (
	"context"
	"slices"

	"stats-recorder/counters"
)

// agreeOnEventTypes writes the event types that this node has beside those that nodes have
// said, as far as all together can be told apart, and has records counted under these
// only. So what one node tells has a number of its own on every other. It is no reason not to
// count that this fails.
func (s *session) agreeOnEventTypes(ctx context.Context, said []string) {
	store := s.keeper.Store()
	var missing []string
	for _, name := range slices.Concat(store.CountedEventTypes(), s.options.EventTypes) {
		known := slices.Contains(said, name) || slices.Contains(missing, name) || slices.Contains(s.options.BuiltIn, name)
		if name != "" && name != counters.OtherEvent && !known {
			missing = append(missing, name)
		}
	}
	added := missing[:min(s.roomForEventTypes(said), len(missing))]
	if len(added) > 0 && s.link.AddEventTypes != nil {
		if err := s.link.AddEventTypes(ctx, added); err != nil {
			s.sayOnce("cannot say in the log which event types this node has; it is tried again", err)
			return
		}
	}
	agreed := slices.Concat(said, added)
	if s.eventTypes != nil && slices.Equal(agreed, s.eventTypes) {
		return
	}
	s.eventTypes = agreed
	store.AgreeEventTypes(agreed)
	if left := missing[len(added):]; len(left) > 0 {
		s.options.Logger.Warn("all nodes together have more event types than can be told apart: records of some count as "+counters.OtherEvent+
			"; shorten EVENT_TYPES, and make the log anew to begin with less", "most", counters.MaxEventTypes, "counted_as_other", left)
	}
}

// roomForEventTypes is how many more than the built-in ones and those that nodes have said
// can be told apart.
func (s *session) roomForEventTypes(said []string) int {
	return max(0, counters.MaxEventTypes-1-len(s.options.BuiltIn)-len(said)) // one is OtherEvent
}

// sayOnce warns, unless of the same as before in this session.
func (s *session) sayOnce(message string, err error) {
	if text := err.Error(); text != s.said {
		s.said = text
		s.options.Logger.Warn(message, "error", err)
	}
}
