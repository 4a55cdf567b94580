package clustertest

import (
	"math/rand/v2"
	"testing"

	"stats-recorder/cluster"
)

// memory is a Broker as a Cluster under test.
type memory struct{ broker *Broker }

func TestTheLogInMemoryIsALog(t *testing.T) {
	t.Parallel()
	TestLog(t, func(_ *testing.T, limit int) Cluster { return memory{NewBroker(limit)} })
}

func (m memory) Open(*testing.T) Process {
	session := m.broker.Open()
	return Process{Log: session, Shared: session, Hold: session.Hold, Release: session.Release}
}

func (m memory) Recreate(*testing.T) { m.broker.Recreate() }

func (m memory) Lose(_ *testing.T, at cluster.Position) { m.broker.Lose(at.Sequence) }

func (m memory) Inject(_ *testing.T, id cluster.FrameID, encoded []byte) {
	m.broker.Inject(id, encoded)
}

func (m memory) Disturb(*testing.T) (calm func()) {
	m.broker.SetFaults(Faults{Lost: 0.2, Unanswered: 0.2, Delayed: 0.2}, rand.New(rand.NewPCG(1, 2)))
	return func() { m.broker.SetFaults(Faults{}, rand.New(rand.NewPCG(1, 2))) }
}
