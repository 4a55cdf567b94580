// Package records reads bodies into records, and says which records are rejected
// and why. It knows no HTTP.
//
// decode.go splits a body into records and has go-json parse them. layout.go finds
// where a record ends and its values lie; with that, repeat.go recognises records
// that differ from the one before only in benefit and index, and shape.go those
// that are made like an earlier one, of which run.go takes many at a time and sets.go knows
// the experiments; plain.go has what all of them read. record.go holds the fields to the rules.
package records
