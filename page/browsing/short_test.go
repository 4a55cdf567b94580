//go:build !long

package browsing

// long has every look taken in both languages.
const long = false
