// Package format is between bytes and counts: the files of a data directory, frame by
// frame and section by section, and deltas on their way to another store. It decides
// nothing, and touches no file: it reads from an io.Reader and writes to an io.Writer.
//
// Snapshots and the files of closed days are sections, of which those with counts
// have a type by their part:
//
//	3  positions of a day          5  positions of the past
//	4  hours of a day              8  totals of a day, without the hour
//
// Any other kind k of counts has 32+3k for a day, 33+3k for the past, and, if it is
// hourly, 34+3k for the totals of a day, without the hour. The past and the totals
// are written as columns like the rest; the day of the past is 0.
package format
