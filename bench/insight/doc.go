// Command insight checks the statistics of the insight package: it draws traffic
// whose truth is known, and holds the analysis of its counts against that truth.
//
//	go run ./bench/insight                 in half a minute
//	go run ./bench/insight -runs 20 -experiments 1000
//	go run ./bench/insight -pages 1000,100000 -seed 7
//
// The parts:
//
//	traffic.go      the models of behaviour: pages, and clicks on them
//	window.go       the counts that come of it
//	rivals.go       other ways to judge benefits by the same counts
//	judge.go        an analysis held against the truth
//	experiments.go  experiments with and without effect, looked at every day
//	report.go       the tables
package main
