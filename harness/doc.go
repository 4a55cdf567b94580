// Package harness holds a program from outside, as its users and operators do: it
// builds and starts it, awaits a line of its log, sends signals, kills it, waits for
// its end, and reads back what it counted, to be compared with what it acknowledged.
//
// The load generator, the torture and the black-box tests share it. It knows the
// wire and the command line, and imports no room of the product.
package harness
