package importer

import "context"

// CountAgain is Read with another limit of identities. It returns how many documents
// are there more than once, and whether that is known.
func CountAgain(ctx context.Context, options Options, limit int, sink Sink) (again uint64, known bool, err error) {
	options = options.withDefaults()
	inputs, err := findInputs(options)
	if err != nil {
		return 0, false, err
	}
	p := newPipeline(options, inputs, sink)
	p.twins.limit = limit
	summary, err := p.run(ctx)
	return summary.Again, !summary.AgainUnknown, err
}
