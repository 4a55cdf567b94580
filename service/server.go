package service

import (
	"fmt"

	"stats-recorder/httpapi"
)

// newServer makes the server of a valid configuration, and the files of it that
// can be read again.
func newServer(config Config, http httpapi.Config) (*httpapi.Server, *reloadable, error) {
	certificate, err := loadCertificate(config.TLSCert, config.TLSKey)
	if err != nil {
		return nil, nil, err
	}
	http.TLS = certificate.config()
	server, err := httpapi.NewServer(http)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: EVENT_TYPES: %w", ErrConfig, err)
	}
	benefits, err := readBenefits(config.BenefitsFile)
	if err != nil {
		return nil, nil, err
	}
	server.SetBenefits(benefits)
	return server, &reloadable{config, server, certificate}, nil
}
