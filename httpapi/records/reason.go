package records

// Field is a field of a record that can be wrong.
type Field uint8

// The fields of a record. WholeRecord stands for the record as a whole.
const (
	WholeRecord Field = iota
	benefitID
	hashID
	benefitIndex
	pageTotal
	eventType
	versionField
	abTesting
	createdAt
	// Fields is how many there are.
	Fields = iota
)

var fieldNames = [Fields]string{
	"", "benefit_id", "hash_id", "benefit_index", "page_total", "event_type", "version", "abtesting", "created_at",
}

// String is the field's name in JSON, which is empty for WholeRecord.
func (f Field) String() string { return fieldNames[f] }

// Reason is why a field was rejected, without what the client sent.
type Reason uint8

// The reasons for which records are rejected.
const (
	missing Reason = iota
	wrongType
	wrongLength
	notInRange
	unknown
	wrongFormat
	tooOld
	ahead
	tooMany
	// Reasons is how many there are.
	Reasons = iota
)

var reasonNames = [Reasons]string{
	missing:     "missing",
	wrongType:   "wrong type",
	wrongLength: "wrong length",
	notInRange:  "not in range",
	unknown:     "unknown",
	wrongFormat: "wrong format",
	tooOld:      "too old",
	ahead:       "in the future",
	tooMany:     "too many",
}

// String is the reason as metrics and the log name it.
func (r Reason) String() string { return reasonNames[r] }
