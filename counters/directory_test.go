package counters_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"stats-recorder/counters"
)

func TestNamesSeenByManyAtOnceGetOneNumberEach(t *testing.T) {
	t.Parallel()
	const goroutines, names = 8, 2000
	directory := counters.NewDirectory(names)
	numbers := make([][names]uint32, goroutines)
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for _, i := range rand.New(rand.NewPCG(1, uint64(g))).Perm(names) {
				number, err := directory.Number(fmt.Append(nil, "name ", i))
				if err != nil {
					t.Errorf("name %d: %v", i, err)
				}
				found, ok := directory.Lookup(fmt.Append(nil, "name ", i))
				if !ok || found != number {
					t.Errorf("name %d is %d, then %d, %v", i, number, found, ok)
				}
				numbers[g][i] = number
			}
		})
	}
	all.Wait()
	if directory.Len() != names {
		t.Fatalf("%d names, want %d", directory.Len(), names)
	}
	for i, number := range numbers[0] {
		if got := directory.Names()[number]; got != fmt.Sprint("name ", i) {
			t.Errorf("number %d belongs to %q, want name %d", number, got, i)
		}
	}
	for g := range numbers {
		if numbers[g] != numbers[0] {
			t.Errorf("goroutine %d was told other numbers than goroutine 0", g)
		}
	}
}

func TestANameThatTakesTheLastPlaceIsFoundByAllWhoAskAtOnce(t *testing.T) {
	t.Parallel()
	const goroutines, directories = 8, 3000
	for range directories {
		directory := counters.NewDirectory(1)
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range goroutines {
			all.Go(func() {
				<-begin
				if _, err := directory.Number([]byte("name")); err != nil {
					t.Errorf("the only name has no number: %v", err)
				}
			})
		}
		close(begin)
		all.Wait()
		if t.Failed() {
			return
		}
	}
}

func TestNumbersStayTheSameWhileADirectoryGrows(t *testing.T) {
	t.Parallel()
	const names = 10_000
	directory := counters.NewDirectory(names)
	for i := range names {
		if number, err := directory.Number(fmt.Append(nil, i)); err != nil || number != uint32(i) {
			t.Fatalf("name %d has number %d, %v", i, number, err)
		}
		if i&(i+1) != 0 && i != names-1 { // look at all of them at some sizes only
			continue
		}
		for j := range i + 1 {
			if number, ok := directory.Lookup(fmt.Append(nil, j)); !ok || number != uint32(j) {
				t.Fatalf("of %d names, name %d has number %d, %v", i+1, j, number, ok)
			}
		}
		if number, ok := directory.Lookup(fmt.Append(nil, i+1)); ok {
			t.Fatalf("of %d names, the next one already has number %d", i+1, number)
		}
	}
}

func TestAFullDirectoryKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	directory := counters.NewDirectory(3)
	for i := range 3 {
		if _, err := directory.Number(fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := directory.Number([]byte("one too many")); !errors.Is(err, counters.ErrDirectoryFull) {
			t.Errorf("error %v, want ErrDirectoryFull", err)
		}
	}
	if _, ok := directory.Lookup([]byte("one too many")); ok || directory.Len() != 3 {
		t.Errorf("the refused name is in a directory of %d names", directory.Len())
	}
	for i := range 3 {
		if number, err := directory.Number(fmt.Append(nil, i)); err != nil || number != uint32(i) {
			t.Errorf("name %d has number %d, %v", i, number, err)
		}
	}
}

func TestADirectoryKeepsNoByteOfItsCaller(t *testing.T) {
	t.Parallel()
	directory := counters.NewDirectory(10)
	name := []byte("benefit")
	number, err := directory.Number(name)
	if err != nil {
		t.Fatal(err)
	}
	copy(name, "another")
	if got := directory.Names()[number]; got != "benefit" {
		t.Errorf("the name became %q", got)
	}
	if _, ok := directory.Lookup(name); ok {
		t.Errorf("%q is found", name)
	}
}

func TestNamesThatOneReaderHoldsDoNotChange(t *testing.T) {
	t.Parallel()
	directory := counters.NewDirectory(1000)
	if _, err := directory.Number([]byte("first")); err != nil {
		t.Fatal(err)
	}
	held := directory.Names()
	for i := range 500 {
		if _, err := directory.Number(fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(held) != 1 || held[0] != "first" {
		t.Errorf("the names that were held are now %q", held)
	}
}

func TestLookingUpAKnownNameAllocatesNothing(t *testing.T) {
	directory := counters.NewDirectory(1000)
	for i := range 500 {
		if _, err := directory.Number(fmt.Append(nil, "benefit ", i)); err != nil {
			t.Fatal(err)
		}
	}
	known, unknown := []byte("benefit 321"), []byte("benefit 1321")
	allocations := testing.AllocsPerRun(1000, func() {
		if number, err := directory.Number(known); err != nil || number != 321 {
			t.Errorf("number %d, %v", number, err)
		}
		if number, ok := directory.Lookup(known); !ok || number != 321 {
			t.Errorf("found %d, %v", number, ok)
		}
		if _, ok := directory.Lookup(unknown); ok {
			t.Errorf("found a name that nobody gave")
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations, want none", allocations)
	}
}
