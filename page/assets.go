package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"

	"stats-recorder/httpapi"
)

//go:embed assets
var assetFiles embed.FS

// assetPaths are where the assets are. Their names change with their bytes, so that
// they may be kept for ever.
type assetPaths struct{ Style, Script, Icon string }

// forever lets everybody keep an asset for a year, which is as long as caches do.
const forever = "public, max-age=31536000, immutable"

// loadAssets returns the paths of the assets and what answers to them. They say nothing
// of counts and are open to everybody.
func loadAssets() (assetPaths, []httpapi.Read, error) {
	var paths assetPaths
	var reads []httpapi.Read
	for _, asset := range []struct {
		name, contentType string
		path              *string
	}{
		{"insight.css", "text/css; charset=utf-8", &paths.Style},
		{"insight.js", "text/javascript; charset=utf-8", &paths.Script},
		{"icon.svg", "image/svg+xml", &paths.Icon},
	} {
		body, err := assetFiles.ReadFile("assets/" + asset.name)
		if err != nil {
			return paths, nil, fmt.Errorf("read the embedded %s: %w", asset.name, err)
		}
		digest := sha256.Sum256(body)
		*asset.path = "/insight/assets/" + hex.EncodeToString(digest[:8]) + path.Ext(asset.name)
		answer := httpapi.Answer{Body: body, ContentType: asset.contentType, CacheControl: forever, Header: []httpapi.Header{
			{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Content-Security-Policy", Value: policy},
		}}
		reads = append(reads, httpapi.Read{Path: *asset.path, Open: true, Answer: func(httpapi.Request) (httpapi.Answer, error) {
			copied := answer
			copied.Header = append([]httpapi.Header{}, answer.Header...)
			return copied, nil
		}})
	}
	return paths, reads, nil
}
