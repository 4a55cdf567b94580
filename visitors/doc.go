// Package visitors counts visitors without keeping anybody: how many there were
// in a UTC day, how far they went, with which benefit and in which variant of an
// experiment.
//
// The one idea: while a day is open, memory holds a keyed hash of each visitor
// with a few bits of what the visitor did; what leaves is sums. The key is random,
// made when the day opens, written nowhere and overwritten when the day closes, so
// that nobody can go from a sum, or from the memory of a closed day, to a person.
//
//	Batch      what the ledger reads of the records of a request      batch.go
//	Ledger     the open days; every caller meets here                ledger.go
//	day        a key, two samples, and shards by visitor             day.go
//	shard      visitors, and the pairs of visitor and benefit        shard.go, visitorset.go, pairset.go, pairmap.go
//	names      experiments and variants, bounded in number           names.go
//	named      variants of few visitors without their names          named.go
//	Sums       a day without its hashes: all that can be had of it   sums.go, collapse.go, merge.go
//
// # Exact, then a sample
//
// A day keeps every visitor until there are Limits.Visitors. Then it keeps half of
// the values that a hash can have, then a quarter, and so on: a visitor is kept if
// the hash begins with as many zero bits as there were halvings. Whether a visitor
// is kept depends on the hash alone and not on when or how often the visitor
// came, so those kept are at each moment a random sample of all of the day, at
// the known rate 2^-halvings, and complete in what they did (Wegman's adaptive
// sampling, analysed by P. Flajolet, "On Adaptive Sampling", Computing 43, 1990;
// with attributes it is P. Gibbons, "Distinct Sampling", VLDB 2001). Estimate and
// RelativeError say what a sample is worth.
//
// The pairs of visitor and benefit have a limit and a rate of their own, since
// they are many times as many. They are sampled by visitor as well: either all
// pairs of a visitor are kept or none, so those kept are again visitors, and the
// variants of each are known. Their rate is at most that of the visitors.
//
// # What the sums are not
//
// The key changes with the day, so a visitor of two days counts in both: sums of
// several days are of visitor-days. It also changes with each start. A restart
// begins a new ledger, and a day closed and opened again a new set: whoever comes
// on both sides counts twice in that day when the sums are merged (Sums.Merge),
// and crosses between variants unseen. That is at most one part too many for each
// restart of the day. Several nodes have a ledger each, with the same effect.
//
// A hash has 61 bits: two visitors among 65,536 share one, and count as one, with
// probability 10^-9. Pages and clicks of a visitor are counted up to 65,535 a day.
//
// Groups under 5 visitors are in the sums and must not be in answers: Few says
// which they are. Names of experiments and variants are texts of strangers: those of
// few visitors are neither answered nor written, see named.
package visitors
