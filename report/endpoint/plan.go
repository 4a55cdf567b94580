package endpoint

import (
	"math"
	"strconv"
	"strings"

	"stats-recorder/httpapi"
	"stats-recorder/httpapi/records"
	"stats-recorder/report"
)

// planAsked reads how experiments are to be compared; experiment is the only one that is
// asked for, if any.
func planAsked(query httpapi.Query, experiment string) (plan report.Plan, err error) {
	plan.Experiment, plan.Control = experiment, query.First("control")
	if plan.Metric, err = metricAsked(query.First("metric")); err != nil {
		return plan, err
	}
	if text := query.First("mde"); text != "" {
		effect, failure := strconv.ParseFloat(text, 64)
		if failure != nil || !(effect > 0 && effect <= 10) {
			return plan, httpapi.Unprocessable("mde: must be a relative change above 0 and at most 10, such as 0.1, not %s", records.QuoteShort(text))
		}
		plan.Effect = effect
	}
	plan.Weights, err = weightsAsked(query.First("weights"), experiment)
	return plan, err
}

func metricAsked(text string) (report.Metric, error) {
	var names []string
	for _, metric := range report.Metrics() {
		if text == "" || text == string(metric) {
			return metric, nil
		}
		names = append(names, string(metric))
	}
	return "", httpapi.Unprocessable("metric: %s: use %s", records.QuoteShort(text), oneOf(names))
}

func weightsAsked(text, experiment string) (weights []float64, err error) {
	if text == "" {
		return nil, nil
	}
	if experiment == "" {
		return nil, httpapi.Unprocessable("weights: are those of one experiment: ask for /insight/experiments/<its name>")
	}
	for item := range strings.SplitSeq(text, ",") {
		weight, failure := strconv.ParseFloat(strings.TrimSpace(item), 64)
		if failure != nil || !(weight >= 0) || math.IsInf(weight, 0) {
			return nil, httpapi.Unprocessable("weights: must be numbers from 0 on, one for each variant in the order of their names, such as 1,1, not %s",
				records.QuoteShort(text))
		}
		weights = append(weights, weight)
	}
	return weights, nil
}
