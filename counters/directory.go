package counters

import (
	"errors"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrDirectoryFull is returned when a name is new and its directory has no number left.
var ErrDirectoryFull = errors.New("no room for another name")

// Directory gives names small numbers, in the order of their first sight, from
// 0. It grows; a number that was given back gets another name once there is
// no new one left. Any number of goroutines may use it; looking up a known name
// takes no lock and does not allocate.
//
// It is written here, and not taken from a library, because every record looks
// up a name by the bytes of a request: a sync.Map would allocate a string each
// time, a map under a lock would make all handlers meet at that lock.
type Directory struct {
	seed  maphash.Seed
	limit atomic.Int64

	mu    sync.Mutex // held while a name is added
	names atomic.Pointer[[]string]
	index atomic.Pointer[directoryIndex]
	// found is how many names are found, by everybody: it changes after the index does.
	found atomic.Int64
	// spare are the numbers that were given back, changed under mu. Their names stand
	// for them in files, but are not found.
	spare atomic.Pointer[[]uint32]
}

// directoryIndex is an open-addressing hash table. A slot is 0 when free, else
// the upper half of the name's hash above its number plus one.
type directoryIndex struct {
	slots []atomic.Uint64
}

// NewDirectory returns an empty directory that takes at most limit names.
func NewDirectory(limit int) *Directory {
	d := &Directory{seed: maphash.MakeSeed()}
	d.limit.Store(int64(limit))
	d.names.Store(&[]string{})
	d.spare.Store(&[]uint32{})
	d.index.Store(&directoryIndex{slots: make([]atomic.Uint64, 64)})
	return d
}

// SetLimit changes how many names the directory takes. It keeps those it has.
func (d *Directory) SetLimit(limit int) {
	d.limit.Store(int64(limit))
}

// Len is how many numbers have a name, those that were given back among them.
func (d *Directory) Len() int { return len(*d.names.Load()) }

// Names returns the names by number: of one that was given back, the name that it had. The
// slice is shared, and what it has never changes: read only.
func (d *Directory) Names() []string { return *d.names.Load() }

// Found returns the names by number, and an empty one for a number that was given back.
// The slice may be shared: read only.
func (d *Directory) Found() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	spare, names := *d.spare.Load(), *d.names.Load()
	if len(spare) == 0 {
		return names
	}
	names = slices.Clone(names)
	for _, number := range spare {
		names[number] = ""
	}
	return names
}

// taken is how many names are found, once the index leads to all.
func (d *Directory) taken() int { return d.Len() - len(*d.spare.Load()) }

// tellFoundLocked is called once the index leads to all names.
func (d *Directory) tellFoundLocked() { d.found.Store(int64(d.taken())) }

// Lookup returns the number of name and whether the directory has it.
func (d *Directory) Lookup(name []byte) (uint32, bool) {
	return d.find(name, maphash.Bytes(d.seed, name))
}

// Number returns the number of name and adds the name when it is new. The
// bytes are copied. It returns ErrDirectoryFull when there is no room.
func (d *Directory) Number(name []byte) (uint32, error) {
	return d.numberWithin(name, d.limit.Load())
}

// reserved is Number for a name that there is always room for.
func (d *Directory) reserved(name []byte) uint32 {
	number, _ := d.numberWithin(name, math.MaxInt64)
	return number
}

// numberWithin is Number with another limit.
func (d *Directory) numberWithin(name []byte, limit int64) (uint32, error) {
	hash := maphash.Bytes(d.seed, name)
	if number, ok := d.find(name, hash); ok {
		return number, nil
	}
	if d.found.Load() >= limit { // before the lock: strangers may send new names all day
		if number, ok := d.find(name, hash); ok { // it took the last place meanwhile
			return number, nil
		}
		return 0, ErrDirectoryFull
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.tellFoundLocked()
	if number, ok := d.find(name, hash); ok {
		return number, nil
	}
	if int64(d.taken()) >= limit {
		return 0, ErrDirectoryFull
	}
	if number, ok := d.fromSpareLocked(string(name), int64(d.Len()) >= limit); ok {
		d.index.Load().put(hash, number)
		return number, nil
	}
	return d.addLocked(string(name), hash), nil
}

// giveBack has numbers given back under which nothing counts. Nobody else may use the
// directory meanwhile.
func (d *Directory) giveBack(numbers []uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.tellFoundLocked()
	spare := slices.Concat(*d.spare.Load(), numbers)
	slices.Sort(spare)
	spare = slices.Compact(spare)
	d.spare.Store(&spare)
	d.index.Store(d.rebuilt(*d.names.Load(), len(d.index.Load().slots)))
}

// fromSpareLocked takes a number that was given back: the one that had the name or, if
// any will do, the first.
func (d *Directory) fromSpareLocked(name string, any bool) (number uint32, ok bool) {
	spare, names := *d.spare.Load(), *d.names.Load()
	at := slices.IndexFunc(spare, func(number uint32) bool { return names[number] == name })
	if at < 0 && any && len(spare) > 0 {
		at = 0
	}
	if at < 0 {
		return 0, false
	}
	number = spare[at]
	if names[number] != name {
		d.renameLocked(number, name)
	}
	rest := slices.Delete(slices.Clone(spare), at, at+1)
	d.spare.Store(&rest)
	return number, true
}

// rename gives numbers other names, all at once. Nobody else may use the directory
// meanwhile.
func (d *Directory) rename(names map[uint64]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for number, name := range names {
		d.renameLocked(uint32(number), name)
	}
	d.index.Store(d.rebuilt(*d.names.Load(), len(d.index.Load().slots)))
}

// truncate forgets the names from a number on. Who has the names keeps them as they were.
func (d *Directory) truncate(length int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.tellFoundLocked()
	names := slices.Clone((*d.names.Load())[:length])
	d.names.Store(&names)
	d.index.Store(d.rebuilt(names, len(d.index.Load().slots)))
}

// renameLocked changes a name in a copy: who has the names keeps them as they were.
func (d *Directory) renameLocked(number uint32, name string) {
	names := slices.Clone(*d.names.Load())
	names[number] = name
	d.names.Store(&names)
}

func (d *Directory) find(name []byte, hash uint64) (uint32, bool) {
	slots := d.index.Load().slots
	mask := uint64(len(slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := slots[i].Load()
		if slot == 0 {
			return 0, false
		}
		if slot>>32 != hash>>32 {
			continue
		}
		number := uint32(slot) - 1
		if names := *d.names.Load(); int(number) < len(names) && names[number] == string(name) {
			return number, true
		}
	}
}

// addLocked publishes the name before the slot that leads to it, so that a
// reader who finds the slot finds the name.
func (d *Directory) addLocked(name string, hash uint64) uint32 {
	names := *d.names.Load()
	number := uint32(len(names))
	names = append(names, name)
	d.names.Store(&names)

	index := d.index.Load()
	if 2*len(names) > len(index.slots) {
		d.index.Store(d.rebuilt(names, 2*len(index.slots)))
		return number
	}
	index.put(hash, number)
	return number
}

func (d *Directory) rebuilt(names []string, size int) *directoryIndex {
	index, spare := &directoryIndex{slots: make([]atomic.Uint64, size)}, *d.spare.Load()
	for number, name := range names {
		if _, isSpare := slices.BinarySearch(spare, uint32(number)); !isSpare {
			index.put(maphash.String(d.seed, name), uint32(number))
		}
	}
	return index
}

func (x *directoryIndex) put(hash uint64, number uint32) {
	mask := uint64(len(x.slots) - 1)
	i := hash & mask
	for x.slots[i].Load() != 0 {
		i = (i + 1) & mask
	}
	x.slots[i].Store(hash>>32<<32 | uint64(number+1))
}
