package page

// experimentsView is the view of experiments: did the variant help, may one stop?
type experimentsView struct{ *frame }

func showExperiments(r *request) (content, error) {
	v := &experimentsView{frame: r.newFrame()}
	v.Phrase = r.Say("experiments.off")
	return v, nil
}

// findExperiments says where experiments stand.
func (v *todayView) findExperiments() error { return nil }
