// Package page is what people look at: seven views of the counts, each of which answers
// one question of one person.
//
// The one idea: a view is a sentence that is true, the picture that shows it, and the
// table of what the picture was drawn from. All three are made by the server from one
// answer of package report; the whole state is in the address, and the script only saves
// round trips.
//
//	Page       the views and the assets as httpapi.Reads           page.go, assets.go
//	request    what was asked: language, window, filters           request.go, window.go, address.go
//	view       a question; the file of its name answers it         today.go, benefits.go, benefit.go, positions.go,
//	                                                               funnel.go, experiments.go, quality.go
//	frame      what every view has; cells, tables, filters         frame.go, table.go, filters.go
//	words      the sentences in two languages                      words/
//	draw       the pictures                                        draw/
//
// Names of benefits, groups, variants and all parameters come from strangers: whatever
// is shown goes through html/template, words or draw, which escape it.
package page
