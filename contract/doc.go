// Package contract holds the black-box tests: what clients and operators may rely
// on, tried over TCP against a server in this process and against the built
// binary. It has no code of the product and imports no room but service.
package contract
