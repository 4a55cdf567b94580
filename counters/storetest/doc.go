// Package storetest is what the tests of several rooms share about a
// counters.Store: a plain model to compare one with, the scenarios that must
// hold in memory and again after any way through the disk, random batches, and
// a store of any size. Only tests import it.
package storetest
