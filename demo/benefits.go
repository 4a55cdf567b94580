package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A Benefit is one of the list, with what the made-up visitors do about it.
type Benefit struct {
	ID, Label, Group, Type string

	// share is on how many pages of those who may have it, priority where in the list
	// it stands (small is high), merit how it is opened beside the average, acted how
	// many openings lead to a step.
	share, priority, merit, acted float64
}

// Number is how many benefits there are.
const Number = 600

// A country is the benefits, and which of them somebody of a department may have.
type country struct {
	all []Benefit
	// everywhere are numbers of benefits, of are those of a department.
	everywhere []int
	of         [][]int
}

func newCountry(random *rand.Rand) country {
	c := country{all: append([]Benefit{}, national...), of: make([][]int, len(departments))}
	for i := range c.all {
		c.everywhere = append(c.everywhere, i)
	}
	for i, region := range regions {
		for j, kind := range regionKinds {
			c.local(random, local{fmt.Sprintf("region-%d-%d", i+1, j+1), kind, "Région " + region, "region", 0.55, inRegion(i)})
		}
	}
	for i, department := range departments {
		for j, kind := range departmentKinds {
			c.local(random, local{fmt.Sprintf("departement-%d-%d", i+1, j+1), kind, "Département " + department, "departement", 0.5, []int{i}})
		}
	}
	for i, city := range cities {
		for j, kind := range cityKinds {
			c.local(random, local{fmt.Sprintf("ville-%d-%d", i+1, j+1), kind, city, "commune", 0.3, []int{3 * i}})
		}
	}
	for i := len(c.all); i < Number; i++ {
		department := i % len(departments)
		c.local(random, local{fmt.Sprintf("caf-%d", i), "Aide complémentaire au Bafa", "Caf " + departments[department], "caf", 0.4, []int{department}})
	}
	return c
}

// inRegion are the departments of a region, about.
func inRegion(region int) (all []int) {
	for department := region; department < len(departments); department += len(regions) {
		all = append(all, department)
	}
	return all
}

// local is a benefit of some departments.
type local struct {
	id, label, group, kind string
	share                  float64
	departments            []int
}

// localMerit is how local benefits are opened beside the average: less than what is for
// everybody, so that those which are low and would be worth more are few.
const localMerit = 0.8

func (c *country) local(random *rand.Rand, l local) {
	if len(c.all) == Number {
		return
	}
	number := len(c.all)
	c.all = append(c.all, Benefit{
		ID: l.id, Label: l.label, Group: l.group, Type: l.kind, share: l.share * (0.3 + 0.9*random.Float64()),
		priority: 4 + 44*random.Float64(), merit: localMerit * math.Exp(0.12*random.NormFloat64()), acted: 0.2 + 0.2*random.Float64(),
	})
	for _, department := range l.departments {
		c.of[department] = append(c.of[department], number)
	}
}

// Benefits are the benefits of a seed.
func Benefits(seed uint64) []Benefit { return newCountry(newRandom(seed)).all }

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) }
