// Package status says how a server is, for a person at a terminal and for scripts.
//
// It reads what a server shows anyway: two readings of its metrics, a moment apart, and
// its word whether it is ready. From these it makes a Report, which it prints as text.
// The conditions that it warns of are those of deploy/alerts.yml.
//
// It asks nobody itself, and knows none of the other rooms: a metric's name is all that
// joins them.
package status
