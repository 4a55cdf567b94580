package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"stats-recorder/exchange/answers"
	"stats-recorder/exchange/importer"
)

// errMixed is the error for answers beside other files.
var errMixed = errors.New("answers have the sums of what a dump has: import one or the other")

// errAnswersOverlap is the error for answers and documents of one source.
var errAnswersOverlap = errors.New("sums of all time cannot be told from what was imported before")

// withAnswers has the options read answers, if that is what the paths name: files that
// were saved, or the address of a running server. Else it changes nothing and returns
// nil.
func withAnswers(ctx context.Context, options *importer.Options) (*answers.Answers, error) {
	paths := options.Paths
	isAnswer := func(path string) bool { return answers.IsURL(path) || answers.Recognize(path) }
	if !slices.ContainsFunc(paths, isAnswer) {
		return nil, nil
	}
	read, err := readAnswers(ctx, paths)
	if other := slices.IndexFunc(paths, func(path string) bool { return !isAnswer(path) }); other >= 0 {
		err = fmt.Errorf("%q is no answer of GET /statistics or GET /benefits: %w", paths[other], errMixed)
	}
	if err != nil {
		return nil, err
	}
	rows := &bytes.Buffer{} // no more than the answers, which are in memory too
	options.Paths, options.Stdin, options.StdinName = []string{"-"}, rows, strings.Join(paths, " and ")
	return &read, read.Rows(options.Source, rows)
}

func readAnswers(ctx context.Context, paths []string) (answers.Answers, error) {
	if !slices.ContainsFunc(paths, answers.IsURL) {
		return answers.Read(paths)
	}
	if len(paths) > 1 {
		return answers.Answers{}, fmt.Errorf("%w, so name nothing beside the address of a server, which is asked for both", errMixed)
	}
	return answers.Ask(ctx, paths[0])
}

// printAnswers says what it means that there are sums alone.
func printAnswers(output io.Writer, read answers.Answers) {
	tally := read.Tally()
	fmt.Fprintln(output, "answers have sums of all time alone: they are in no window and no timeline")
	switch {
	case read.Positions == nil:
		fmt.Fprintf(output, "in the answers: %s without a position, for lack of the answer of GET /statistics, in which nothing of that will be\n", several(tally.Unplaced, "event"))
	case read.Sums == nil:
		fmt.Fprintf(output, "in the answers: %s with a position; those of other versions than 2 are missing, for lack of the answer of GET /benefits\n", several(tally.Placed, "event"))
	default:
		fmt.Fprintf(output, "in the answers: %s with a position, and %d of other versions, without one\n", several(tally.Placed, "event"), tally.Unplaced)
	}
	if tally.Missing > 0 {
		fmt.Fprintf(output, "in GET /statistics alone: %s without a time, or from between the two requests, counted all the same\n", several(tally.Missing, "event"))
	}
}

// checkAnswers refuses sums of a source of which documents were imported, and documents
// of one of which sums were.
func (n importedNow) checkAnswers() error {
	before, sums := n.session.Imports(), importer.ExportSource(answers.Origin(n.source))
	_, hadSums := rangesOf(before, sums)
	_, hadDocuments := rangesOf(before, n.source)
	hadDocuments = hadDocuments || (n.source == "" && n.untold() > 0)
	for _, source := range n.summary.Sources {
		if (source.Name == sums && (hadDocuments || hadSums)) || (source.Name == n.source && hadSums) {
			return fmt.Errorf("%w: import --undo goes back, as long as nothing was counted since; a new data directory takes answers or a dump; "+
				"use --source NAME if these come from another database, or --force to count them beside the others", errAnswersOverlap)
		}
	}
	return nil
}
