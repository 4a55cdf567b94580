package report

import "time"

// workAtOnce is how long a fit works before it lets others run. A system may let a thread
// that is at work go on until its clock ticks, every 4 ms on many, while others wait; a
// post has several threads wait for one another.
const workAtOnce = 100 * time.Microsecond

// courtesy lets others run in the course of long work. It belongs to who has the place of
// a fit.
type courtesy struct {
	giveWay func()
	last    time.Time
}

// pause may be called as often as there is an occasion.
func (c *courtesy) pause() {
	if time.Since(c.last) >= workAtOnce {
		c.giveWay()
		c.last = time.Now()
	}
}
