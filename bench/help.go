package main

import (
	"flag"
	"fmt"
	"io"
)

// printUsage prints what --help shows.
func printUsage(output io.Writer, flags *flag.FlagSet) {
	fmt.Fprint(output, `bench loads the server over the wire and says how fast it is, how much it costs,
and whether it counted right.

    go run ./bench                       the standard matrix, in under three minutes
    go run ./bench -full                 more of connections, without visitors and with
                                         them, in about six minutes
    go run ./bench -growth all           how costs grow, in about six minutes
    go run ./bench -full -growth all -document docs/performance.md
                                         both, into the document that has the figures
    go run ./bench -smoke                everything once, in a few seconds
    go run ./bench -smoke -growth all    the curves once, in little
    go run ./bench -batch 30,100 -connections 64
    go run ./bench -batch 30 -counters 10000,10000000 -restart
    go run ./bench -batch 30 -counters 1000000 -readers 0,1
    go run ./bench -batch page -rate 2000 -readers 0,1 -read /insight/benefits
    go run ./bench -connections 64 -posts 1,2,3
    go run ./bench -connections 64 -reads 1
    go run ./bench -batch 1,30 -setting none,VISITORS=off
    go run ./bench -batch 1,30 -tls
    go run ./bench -batch 30 -visitors page,record
    go run ./bench -compare bench-results/before.json
    go run ./bench -batch page -rate 5000
    go run ./bench -batch 30 -rate 50%
    go run ./bench -url http://other.example:4000 -version 2

It builds the server, starts it on a free port with a temporary data directory,
and puts it under the load of browsers that report pages of results and clicks, with the
heads and cookies of browsers.
Beside it, in turns within the same run, it measures
    ceiling  an HTTP server that reads the same requests, answers the same bytes
             and does nothing else: what HTTP alone costs
    redis    a Redis, if redis-server is on the PATH, doing the same increments as
             pipelined HINCRBY, one per record, with as many records in flight and
             nothing made durable
    redis-always
             the same with "appendfsync always": an answer means as much as the server's
    url      any server that speaks the contract, if -url names one
    rival    another build of the server, if -rival names one

Afterwards it reads the counts back and compares each of them with what was
acknowledged. A difference, an answer that is not a 2xx, or a dropped connection
fails the run: exit status 1, and no results.

Any of -batch, -connections, -posts, -reads, -pipeline, -visitors, -counters,
-readers, -durability, -setting, -tls and -rate replaces the standard matrix. They take lists: every
combination is measured. Different counters, readers and durabilities are measured
in turns, as targets that are compared.

With -posts each client opens a connection, posts that often, closes it, and opens
the next one; the wait for the connection counts as latency of the first post. Where
the target is on this machine and the system is Linux, connections come from many
addresses of the loopback network, so that ports do not run out. With -reads some of
the requests on each connection are GET /benefits of a window without records: what
is measured is the change between posts and other requests, not the reading. Redis
has no such connections and is left out.

With -growth one thing grows while the others stay, and each cost gets the exponent
with which it grows: 1 is linear. Costs are those of the server under load, its memory,
and after the load how long it takes to start again, and the processor time of reads:
the first, again, and just after a record. -growth days begins with closed days of history,
which are imported before.

Figures are medians of the rounds, latencies are over all rounds; ratios compare
rounds that were measured next to each other. The p99 of 0.1 s is that of each piece
of a round of that length, by when requests were due or sent, and the median of them:
a burst in which the whole machine is late changes one piece, but the p99 over all
rounds. So do pauses of a server itself that are in fewer than half of the pieces: those
are in the p99 over all. CPU is user and system time of the target's process. The load
generator runs on the same machine and needs its share of it: what it used is in the
JSON file.

Flags:
`)
	flags.PrintDefaults()
}
