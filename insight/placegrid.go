package insight

import "stats-recorder/counters"

// placeBlock is how many neighbouring places are in one block of a placeGrid.
const placeBlock = 1 << 10

// A placeGrid has something for each exact place. Places of short pages are close
// together, those of a page of 1,000 are far away: blocks that exist only where
// there is something hold both without a map.
type placeGrid[T any] struct {
	blocks [1 << counters.PlaceBits / placeBlock]*[placeBlock]T
}

// at is the value of the place, zero at first.
func (g *placeGrid[T]) at(place uint32) *T {
	block := &g.blocks[place/placeBlock]
	if *block == nil {
		*block = new([placeBlock]T)
	}
	return &(*block)[place%placeBlock]
}

// each visits all places of the blocks that exist, in ascending order.
func (g *placeGrid[T]) each(visit func(place uint32, value *T)) {
	for number, block := range g.blocks {
		if block == nil {
			continue
		}
		for i := range block {
			visit(uint32(number*placeBlock+i), &block[i])
		}
	}
}
