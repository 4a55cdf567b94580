package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// billOfMaterials is what a binary is made of, in CycloneDX. The modules are those
// that the binary itself names, see debug/buildinfo: go.mod names also what only
// tests and tools use. The library writes a file that its schema knows; tools that
// make bills of Go programs date and number them, so that no two are the same.
func billOfMaterials(built binary, of identity, licences []licence) ([]byte, error) {
	bill := cyclonedx.NewBOM()
	bill.Metadata = &cyclonedx.Metadata{
		Timestamp: of.date.Format(time.RFC3339),
		Component: &cyclonedx.Component{
			BOMRef: "main", Type: cyclonedx.ComponentTypeApplication, Name: program, Version: of.version,
			Hashes:     &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: built.sha256}},
			Licenses:   licenceChoices([]string{"Apache-2.0"}),
			Properties: &[]cyclonedx.Property{{Name: "revision", Value: of.revision}},
		},
	}
	var components []cyclonedx.Component
	var references []string
	for _, l := range licences {
		c := component(l)
		components, references = append(components, c), append(references, c.BOMRef)
	}
	bill.Components = &components
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: "main", Dependencies: &references}}
	var written bytes.Buffer
	encoder := cyclonedx.NewBOMEncoder(&written, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	// Version 1.6: what scanners of the distributions read.
	if err := encoder.EncodeVersion(bill, cyclonedx.SpecVersion1_6); err != nil {
		return nil, fmt.Errorf("write the bill of materials: %w", err)
	}
	return written.Bytes(), nil
}

// component is one module, named as https://github.com/package-url/purl-spec says.
func component(l licence) cyclonedx.Component {
	c := cyclonedx.Component{
		Type: cyclonedx.ComponentTypeLibrary, Name: l.module, Version: l.version, Licenses: licenceChoices(l.identifiers),
	}
	version := l.version
	if l.module == standardLibrary {
		version = strings.TrimPrefix(version, "go")
	}
	c.PackageURL = "pkg:golang/" + l.module + "@" + strings.ReplaceAll(version, "+", "%2B")
	c.BOMRef = c.PackageURL
	if l.sum != "" {
		c.Properties = &[]cyclonedx.Property{{Name: "go.sum", Value: l.sum}}
	}
	return c
}

func licenceChoices(identifiers []string) *cyclonedx.Licenses {
	var choices cyclonedx.Licenses
	for _, identifier := range identifiers {
		choices = append(choices, cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: identifier}})
	}
	return &choices
}
