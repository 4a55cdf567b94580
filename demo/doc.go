// Package demo makes up the traffic of a list of benefits, so that anybody sees in a
// minute what a server makes of it: 600 benefits of France with their labels, weeks and
// seasons, two experiments, and one benefit that would be worth more further up.
//
// The one idea: the made-up visitors click by the very model that is looked for, merit ×
// visibility × length, with tastes of their own. So the demonstration can be held to what
// went in. A seed makes the same traffic again.
//
//	Benefits   labels, groups and what is looked for        benefits.go, places.go
//	Traffic    visits, page by page, as bodies of records   traffic.go
package demo
