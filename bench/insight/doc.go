// Command insight measures whether the statistics of the insight package are
// right: it draws traffic whose truth is known, and compares what is made of its
// counts with that truth.
//
//	go run ./bench/insight                 in half a minute
//	go run ./bench/insight -runs 20 -experiments 1000
//	go run ./bench/insight -pages 1000,100000 -seed 7
//
// The parts:
//
//	traffic.go      who is shown what, and what is clicked: the models of behaviour
//	window.go       the counts that come of it
//	rivals.go       other ways to judge benefits by the same counts
//	judge.go        an analysis held against the truth
//	experiments.go  experiments with and without effect, looked at every day
//	report.go       the tables
package main
