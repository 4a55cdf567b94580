package records

import "bytes"

// A Visitor is who sent records. Its bytes are valid until the next body.
type Visitor struct {
	HashID      []byte
	Experiments Experiments
}

// is says whether two visitors say the same.
func (v *Visitor) is(other *Visitor) bool {
	return bytes.Equal(v.HashID, other.HashID) && bytes.Equal(v.Experiments, other.Experiments)
}

// visit returns where a visitor is in Visitors: at the end, added if that is another one.
func (d *Decoder) visit(v Visitor) uint32 {
	last := len(d.Visitors) - 1
	if last < 0 || !v.is(&d.Visitors[last]) {
		d.Visitors = append(d.Visitors, v)
		last++
	}
	return uint32(last)
}

// keep takes texts from the element where they are written there as they are, and copies
// others, because what was read of the element is overwritten by the next.
func (v *Visitor) keep(element []byte, l *layout) {
	v.HashID = kept(v.HashID, element, l.spans[slotHash])
	v.Experiments = kept(v.Experiments, element, l.spans[slotExperiments])
}

func kept(text, element []byte, at span) []byte {
	if written := element[at.start:max(at.start, at.end)]; bytes.Equal(written, text) {
		return written
	}
	return bytes.Clone(text)
}
