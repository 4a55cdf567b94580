package harness

import "time"

// Patience bounds every wait of this package. It is far more than anything that
// works takes, on a busy machine too: only something broken uses it up.
const Patience = time.Minute

// Until asks again and again whether a condition holds, first at once, and returns
// true as soon as it does. It returns false when Patience is used up.
//
// It is for what can only be looked at. Whoever can be told of a change waits for
// that instead.
func Until(condition func() bool) bool {
	const shortest, longest = time.Millisecond, 16 * time.Millisecond
	deadline := time.Now().Add(Patience)
	for pause := shortest; !condition(); pause = min(2*pause, longest) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}
