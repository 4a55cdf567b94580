package records

// An Odd is why records of a body were rejected, and how many.
type Odd struct {
	Field  Field
	Reason Reason
	// Name is the event type that nobody knows, of some; else empty.
	Name    string
	Records uint64
}

// maxOddNames is how many unknown event types of one body are told apart.
const maxOddNames = 8

// noteOdd counts a rejected record.
func (d *Decoder) noteOdd(bad *Problem) {
	name, named := []byte(nil), 0
	if bad.Field == eventType && bad.Reason == unknown {
		name = d.strange
	}
	for i := range d.Odd {
		o := &d.Odd[i]
		if o.Field != bad.Field || o.Reason != bad.Reason {
			continue
		}
		if o.Name == string(name) {
			o.Records++
			return
		}
		if named++; named >= maxOddNames {
			name = nil
		}
	}
	if named >= maxOddNames {
		d.noteUnnamed(bad)
		return
	}
	d.Odd = append(d.Odd, Odd{bad.Field, bad.Reason, string(name), 1})
}

// noteUnnamed counts a rejected record whose name there is no room for.
func (d *Decoder) noteUnnamed(bad *Problem) {
	for i := range d.Odd {
		if o := &d.Odd[i]; o.Field == bad.Field && o.Reason == bad.Reason && o.Name == "" {
			o.Records++
			return
		}
	}
	d.Odd = append(d.Odd, Odd{bad.Field, bad.Reason, "", 1})
}
