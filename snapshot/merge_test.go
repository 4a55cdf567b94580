package snapshot_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
)

// mailbox keeps what a keeper tells of its commits for another one.
type mailbox struct {
	mu      sync.Mutex
	letters [][]byte
	store   *counters.Store
}

func (m *mailbox) Committed(_ uint64, delta *counters.Delta) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var counted counters.Gathering
	counted.Add(delta)
	letter := format.AppendPortable(nil, &counted, m.store.Benefits.Names(), m.store.Events.Names())
	if len(letter) > 0 {
		m.letters = append(m.letters, letter)
	}
}

func (m *mailbox) Frozen(uint64, *cluster.Membership) {}

// of says whose numbers the letters have.
func (m *mailbox) of(store *counters.Store) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.store = store
}

// take takes some letters, in a random order.
func (m *mailbox) take(random *rand.Rand, most int) (taken [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(taken) < most && len(m.letters) > 0 {
		i := random.IntN(len(m.letters))
		taken = append(taken, m.letters[i])
		m.letters = slices.Delete(m.letters, i, i+1)
	}
	return taken
}

// node is a keeper that hears of what another one counts.
type node struct {
	options snapshot.Options
	keeper  *snapshot.Keeper
	mailbox mailbox // of what it tells
	work    sync.WaitGroup
}

func newNode(t testing.TB, kinds counters.Kinds, clock *clock, names ...string) *node {
	n := &node{options: options(t.TempDir())}
	n.options.Follower, n.options.Kinds, n.options.Now, n.options.JournalSize = &n.mailbox, kinds, clock.now, 20<<10
	n.keeper = opened(t, n.options)
	n.mailbox.of(n.keeper.Store())
	for _, name := range names { // so that its numbers are others
		storetest.Number(t, n.keeper.Store(), storetest.Record{Benefit: name, Event: "event-" + name, PageTotal: 1, Index: 1})
	}
	return n
}

// step does one of the things that happen to a keeper.
func (n *node) step(t *testing.T, random *rand.Rand, other *node) (counted []storetest.Record) {
	switch random.IntN(8) {
	default:
		counted = storetest.RandomBatch(random, 60)
		if err := recorded(n.keeper, storetest.Batch(t, n.keeper.Store(), counted)); err != nil {
			t.Error(err)
		}
	case 0, 1, 2:
		n.hear(t, other.mailbox.take(random, 1+random.IntN(5)))
	case 3: // what comes meanwhile comes to a frozen base
		n.work.Go(func() {
			if err := n.keeper.SnapshotNow(context.Background()); err != nil {
				t.Error(err)
			}
		})
	case 4:
		n.restart(t, random.IntN(2) == 0)
	}
	return counted
}

func (n *node) hear(t *testing.T, letters [][]byte) {
	var tickets []*counters.Ticket
	for _, letter := range letters {
		ticket, err := n.keeper.Merge(cluster.Note{}, letter)
		if err != nil {
			t.Error(err)
		}
		tickets = append(tickets, ticket)
	}
	for _, ticket := range tickets {
		if err := ticket.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// restart starts again, in what a crash leaves or where it was closed.
func (n *node) restart(t *testing.T, crash bool) {
	n.work.Wait()
	directory := n.options.Directory
	if crash {
		directory = crashed(t, directory)
	}
	closed(t, n.keeper)
	n.options.Directory = directory
	n.keeper = opened(t, n.options)
	n.mailbox.of(n.keeper.Store())
}

func TestTwoStoresThatHearOfEachOtherCountTheSame(t *testing.T) {
	t.Parallel()
	for run := range 4 {
		t.Run(fmt.Sprint("run ", run), func(t *testing.T) {
			t.Parallel()
			random := storetest.Random(t)
			clock, all := newClock(), kinds(t)
			nodes := [2]*node{
				newNode(t, all, clock, "3", "benefit-1", "2"),
				newNode(t, all, clock, "only here", "1", "benefit-9", "0", "benefit-0"),
			}
			model := storetest.Model{}
			for range 150 {
				one := random.IntN(2)
				model.Add(nodes[one].step(t, random, nodes[1-one]))
				if random.IntN(40) == 0 {
					clock.turn(20 * time.Hour) // days are closed, and opened again by what is late
				}
			}
			for i, n := range nodes {
				<-nodes[1-i].keeper.Beat() // it has told what it committed
				n.hear(t, nodes[1-i].mailbox.take(random, 1<<20))
			}
			for i, n := range nodes {
				n.work.Wait()
				<-n.keeper.Beat()
				if left := n.mailbox.take(random, 1<<20); len(left) > 0 {
					t.Errorf("node %d tells of %d commits though nothing was recorded", i, len(left))
				}
				check(t, n.keeper, model)
				expectKinds(t, fmt.Sprint("node ", i), n.keeper.History(), n.keeper.Store(), model)
				n.restart(t, true)
				check(t, n.keeper, model)
				closed(t, n.keeper)
			}
		})
	}
}

func TestWhatCannotBeReadIsNotMerged(t *testing.T) {
	t.Parallel()
	source := newNode(t, nil, newClock(), "first")
	record(t, source.keeper, storetest.Page(3, storetest.Noon()))
	closed(t, source.keeper)
	good := source.mailbox.letters[0]
	keeper := opened(t, options(t.TempDir()))
	for length := range good {
		if _, err := keeper.Merge(cluster.Note{}, good[:length]); !isOneOf(err, format.ErrTruncated, format.ErrChecksum) {
			t.Errorf("the first %d of %d bytes: %v, want ErrTruncated or ErrChecksum", length, len(good), err)
		}
	}
	for at := range good {
		if _, err := keeper.Merge(cluster.Note{}, flipped(good, at, 1<<(at%8))); !errors.Is(err, format.ErrChecksum) {
			t.Errorf("byte %d changed: %v, want ErrChecksum", at, err)
		}
	}
	newer := append([]byte{77, 0}, good[:len(good)-4]...)
	newer = binary.LittleEndian.AppendUint32(newer, crc32.Checksum(newer, castagnoli()))
	if _, err := keeper.Merge(cluster.Note{}, newer); !errors.Is(err, format.ErrVersion) {
		t.Errorf("what a newer program tells: %v, want ErrVersion", err)
	}
	check(t, keeper, storetest.Model{})
	if ticket, err := keeper.Merge(cluster.Note{}, good); err != nil || ticket.Wait() != nil {
		t.Error(err)
	}
	check(t, keeper, storetest.ModelOf(storetest.Page(3, storetest.Noon())))
	closed(t, keeper)
	if _, err := keeper.Merge(cluster.Note{}, good); !errors.Is(err, snapshot.ErrClosing) {
		t.Errorf("after it was closed: %v, want ErrClosing", err)
	}
}
