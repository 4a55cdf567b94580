package main

import (
	"fmt"
	"math/rand/v2"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

const (
	showEvent counters.EventType = iota + 1
	clickEvent
)

// recordVersion is the version of all counts here.
const recordVersion = 2

// A window is the counts of simulated pages, with the truth.
type window struct {
	world  *world
	shows  [][longestPage + 1][longestPage + 1]uint64 // by benefit, page total, index
	clicks [][longestPage + 1][longestPage + 1]uint64
}

// simulate draws pages of a new world. All draws follow from random.
func simulate(random *rand.Rand, b behaviour, pages int) *window {
	w := &window{
		world:  newWorld(random, b),
		shows:  make([][longestPage + 1][longestPage + 1]uint64, benefits),
		clicks: make([][longestPage + 1][longestPage + 1]uint64, benefits),
	}
	scratch, merits, clicks := make([]float64, benefits), make([]float64, longestPage), make([]int, longestPage)
	for range pages {
		page := w.world.page(random, b, scratch)
		length := len(page)
		for i, benefit := range page {
			merits[i] = w.world.merit[benefit]
		}
		b.click(random, merits[:length], clicks[:length])
		for i, benefit := range page {
			w.shows[benefit][length][i+1]++
			w.clicks[benefit][length][i+1] += uint64(clicks[i])
		}
	}
	return w
}

// each visits the places where a benefit was shown.
func (w *window) each(benefit int, visit func(length, index int, shows, clicks float64)) {
	for length := 1; length <= longestPage; length++ {
		for index := 1; index <= length; index++ {
			if shows := w.shows[benefit][length][index]; shows > 0 {
				visit(length, index, float64(shows), float64(w.clicks[benefit][length][index]))
			}
		}
	}
}

// counts are those of the window as the server would have gathered them.
func (w *window) counts() *insight.Counts {
	roles := insight.Roles{showEvent: insight.RoleShow, clickEvent: insight.RoleClick}
	counts := insight.NewCounts(recordVersion, roles)
	for benefit := range benefits {
		cells := append(cellsOf(showEvent, &w.shows[benefit]), cellsOf(clickEvent, &w.clicks[benefit])...)
		counts.Add(benefitName(benefit), cells)
	}
	return counts
}

// benefitName sorts as the numbers do, so that rows of an analysis are benefits.
func benefitName(benefit int) string { return fmt.Sprintf("benefit %02d", benefit) }

func cellsOf(event counters.EventType, of *[longestPage + 1][longestPage + 1]uint64) []counters.Cell {
	var cells []counters.Cell
	for length := 1; length <= longestPage; length++ {
		for index := 1; index <= length; index++ {
			if count := of[length][index]; count > 0 {
				key, _ := counters.NewKey(event, recordVersion, uint16(length), uint16(index)) // in range, so no error
				cells = append(cells, counters.Cell{Key: key, Count: count})
			}
		}
	}
	return cells
}
