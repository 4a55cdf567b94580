// Package exporter writes counts as rows, for other programs to read: CSV, JSON
// lines, and Parquet.
//
// All formats have the same columns in the same order: day, benefit,
// event_type, version, page_total, benefit_index, count. The day is an ISO 8601
// date, in UTC; it is empty in CSV and null elsewhere for counts whose day is
// not known. JSON lines and Parquet also say which data directory the counts are of, and
// up to which commit. Package importer reads the JSON lines back.
//
// It is given rows and a writer, and knows none of the other rooms.
package exporter
