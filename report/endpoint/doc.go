// Package endpoint puts the tables of a report.Reporter under /insight: parameters
// become a report.Query, tables JSON or CSV. What all reads share (token, turn, ETag,
// compression, CORS) is httpapi's.
package endpoint
