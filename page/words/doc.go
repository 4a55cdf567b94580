// Package words says things in French and in English: the one idea is that a
// message is a sentence with named places, and what stands in them was written for
// the language before.
//
// The catalogues (french.go, english.go and the files of sentences) have the same
// keys; a test holds that. A message may set words in bold by **two stars**. Spaces that
// must not break, and raised letters, are put into the text of the message and never
// into what a stranger named: a name is escaped and left as it is.
package words
