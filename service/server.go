package service

import (
	"fmt"

	"stats-recorder/httpapi"
	"stats-recorder/page"
	"stats-recorder/snapshot"
)

// newServer makes the server of a valid configuration, and the files of it that
// can be read again.
func newServer(config Config, keeper *snapshot.Keeper, beside *beside) (*httpapi.Server, *reloadable, error) {
	http, reporter := config.serverConfig(keeper, beside), newReporter(config, keeper, beside)
	beside.reporter, http.Hurry = reporter, reporter.Hurry
	if beside.node != nil {
		config.clustered(&http, beside.node, keeper)
	}
	clock := &clockOfRecords{}
	people, err := newPage(config, reporter, keeper, clock)
	if err != nil {
		return nil, nil, err
	}
	reads := insightReads(reporter, keeper, people)
	if config.parsed.insight {
		http.Reads, http.Home, http.FailurePage = reads, page.Root, people.Failure
		http.Live = &httpapi.Live{Event: liveEvent(reporter, clock), Clients: config.MaxLive}
	}
	certificate, err := loadCertificate(config.TLSCert, config.TLSKey)
	if err != nil {
		return nil, nil, err
	}
	http.TLS = certificate.config()
	server, err := httpapi.NewServer(http)
	if err != nil {
		return nil, nil, err
	}
	clock.server.Store(server)
	benefits, err := readBenefits(config.BenefitsFile)
	if err != nil {
		return nil, nil, err
	}
	server.SetBenefits(benefits)
	files := &reloadable{config, server, certificate, reporter, reads}
	if config.LabelsFile != "" {
		if err := files.loadLabels(); err != nil {
			return nil, nil, fmt.Errorf("%w: LABELS_FILE: %w", ErrConfig, err)
		}
	}
	return server, files, nil
}
