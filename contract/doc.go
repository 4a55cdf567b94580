// Package contract holds the black-box tests: what clients and operators may rely
// on, tried over TCP against a server in this process and against the built
// binary. It has no code of the product and imports no room but service.
//
// The tests below it need more of the same: attack besieges a server, history compares
// it with what the replaced service would answer, through crashes and imports. All of
// them meet the server through blackbox.
package contract
