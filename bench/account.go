package main

import "stats-recorder/harness"

// addAcknowledged counts the records of requests of a workload in a ledger, given
// how often each request was acknowledged.
func addAcknowledged(account *harness.Ledger, traffic *workload, acknowledged []int64) {
	current := page{}
	for number, times := range acknowledged {
		if times == 0 {
			continue
		}
		traffic.source.load(number, &current)
		for position, benefit := range current.benefits {
			account.Add(harness.Counter{
				Benefit: traffic.names[benefit], Event: traffic.events[current.event],
				Total: current.total, Index: current.firstIndex + position,
			}, times)
		}
	}
}
