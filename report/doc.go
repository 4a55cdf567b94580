// Package report goes from a window of counts to named answers: the tables of
// /insight, of its page and of the command line, which all say the same.
//
// The one idea: an answer is a window of counts, one fit of it, and the names that
// people know the benefits by. What was read and fitted is kept until the counts
// change, so that all who ask for a window share one fit.
//
//	Query      what is asked for                                   query.go
//	Source     where counts come from, in one view                 source.go
//	Reporter   answers; owns what is kept, one fit at a time       reporter.go
//	examined   a window that was read and fitted                   examined.go, cache.go
//	Labels     labels, groups and types of benefits                labels.go
//
// The tables, each in the file of its name: Benefits, Positions, Funnel,
// Timeline (and steps.go), Quality. Their JSON names are
// the contract of docs/insight.md. A number that is not known is null.
//
// No HTTP here, and no clock.
package report
