// Package history holds what days keep against what the replaced service would answer:
// every window, late records, imports and exports, and a crash at each place on the way.
package history
