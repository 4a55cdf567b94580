package httpapi

// reason is why a field was rejected, without what the client sent.
type reason uint8

const (
	reasonMissing reason = iota
	reasonType
	reasonLength
	reasonRange
	reasonUnknown
	reasonFormat
	reasonTooOld
	reasonAhead
	reasonTooMany
)

// reasonNames are the reasons as metrics and the log name them.
var reasonNames = [...]string{
	reasonMissing: "missing",
	reasonType:    "wrong type",
	reasonLength:  "wrong length",
	reasonRange:   "not in range",
	reasonUnknown: "unknown",
	reasonFormat:  "wrong format",
	reasonTooOld:  "too old",
	reasonAhead:   "in the future",
	reasonTooMany: "too many",
}

// recordFields are the fields that can be wrong; the first stands for the
// record as a whole.
var recordFields = [...]string{
	"", "benefit_id", "hash_id", "benefit_index", "page_total", "event_type", "version", "abtesting", "created_at",
}
