// Package browsing looks at the page as people do: in a real browser, on made-up
// traffic, on an empty server, on a tiny one and on one whose names are hostile.
//
// It has nothing but tests. They need Chromium, and npm to fetch axe-core, and are skipped
// in words without. `make screenshots` keeps what the browser shows in each view.
package browsing
