// Package attack besieges the built server: by floods, by bytes that no client sends and
// by clients that never read, while an honest client must be served all the time.
package attack
