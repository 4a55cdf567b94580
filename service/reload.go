package service

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"stats-recorder/httpapi"
	"stats-recorder/report"
)

// reloadable is what SIGHUP has read again.
type reloadable struct {
	config      Config
	server      *httpapi.Server
	certificate *certificate // nil without TLS
	reporter    *report.Reporter
	insight     []httpapi.Read // for the admin address
}

// onHangup reloads at each SIGHUP until stop is called.
func (r *reloadable) onHangup() (stop func()) {
	hangups, stopped := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-hangups:
				r.reload()
			case <-stopped:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(stopped)
	}
}

// reload reads every file again. A file that cannot be read leaves the old one in
// force, and the log says so.
func (r *reloadable) reload() {
	for _, step := range []struct {
		setting string
		file    string
		load    func() error
	}{
		{"TLS_CERT", r.config.TLSCert, func() error { return r.certificate.load() }},
		{"BENEFITS_FILE", r.config.BenefitsFile, r.loadBenefits},
		{"LABELS_FILE", r.config.LabelsFile, r.loadLabels},
	} {
		if step.file == "" {
			continue
		}
		if err := step.load(); err != nil {
			r.config.Logger.Error("not reloaded, so the old one stays", "setting", step.setting, "error", err)
			continue
		}
		r.config.Logger.Info("reloaded", "setting", step.setting, "file", step.file)
	}
}

// errNotRegular is why a file is not read: opening a pipe waits for who writes to it, and so
// would every SIGHUP from then on.
var errNotRegular = errors.New("is no regular file, which could be read again")

// checkReadable makes sure that a file can be read again and again.
func checkReadable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%q %w", path, errNotRegular)
	}
	return err
}

func (r *reloadable) loadBenefits() error {
	benefits, err := readBenefits(r.config.BenefitsFile)
	if err == nil {
		r.server.SetBenefits(benefits)
	}
	return err
}

func (r *reloadable) loadLabels() error {
	labels, err := report.ReadLabels(r.config.LabelsFile)
	if err == nil {
		r.reporter.SetLabels(labels)
	}
	return err
}
