// Package oddities counts what clients sent that was not counted as it came: rejected
// records, empty posts, bodies that cannot be read; by day, field and reason, and for
// event types that nobody knows by their name.
//
// The one idea: a client's mistake is seen by who looks at the statistics, and not only
// by who reads the log on the day that it happens. So it is kept like a count of a day, in
// the kind counters.Oddities: its keys have an oddity as their word, the benefit is always
// number 0 and means nothing. It is in no journal: a crash loses what came after the last
// snapshot.
//
// Names are texts of strangers. A day has at most MaxNames of them, the rest counts without.
package oddities
