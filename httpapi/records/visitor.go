package records

import "bytes"

// A Visitor is who sent records. Its bytes are valid until the next body.
type Visitor struct {
	HashID      []byte
	Experiments Experiments
}

// visit returns where a visitor is in Visitors: at the end, added if that is another one.
func (d *Decoder) visit(v Visitor) uint32 {
	last := len(d.Visitors) - 1
	if last < 0 || !bytes.Equal(d.Visitors[last].HashID, v.HashID) || !bytes.Equal(d.Visitors[last].Experiments, v.Experiments) {
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
