package service

import (
	"fmt"
	"sync/atomic"
	"time"

	"stats-recorder/httpapi"
	"stats-recorder/page"
	"stats-recorder/report"
	"stats-recorder/snapshot"
)

// parseZone reads TIME_ZONE.
func parseZone(text string) (*time.Location, error) {
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		return nil, fmt.Errorf("%q: want the IANA name of a zone, such as Europe/Paris or UTC", text)
	}
	return zone, nil
}

// Zone is the zone of the page, of a valid configuration.
func (c Config) Zone() *time.Location {
	if c.parsed.zone == nil {
		return time.UTC
	}
	return c.parsed.zone
}

// A clockOfRecords knows when the last record came, once there is a server.
type clockOfRecords struct {
	server atomic.Pointer[httpapi.Server]
}

func (c *clockOfRecords) last() (at time.Time, any bool) {
	server := c.server.Load()
	if server == nil {
		return time.Time{}, false
	}
	return server.Metrics().LastAccepted()
}

// newPage makes the page of a valid configuration.
func newPage(config Config, reporter *report.Reporter, keeper *snapshot.Keeper, clock *clockOfRecords) (*page.Page, error) {
	return page.New(page.Config{
		Reports: reporter, Span: keeper.History().Span, LastRecord: clock.last, Refusing: keeper.Refusing,
		FreeBytes: func() int64 { return freeBytes(config.DataDir) },
		Title:     config.SiteTitle, Zone: config.Zone(), Indexable: config.PageIndexable,
		Now: config.Now, Logger: config.Logger,
	})
}
