package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/exchange/exporter"
	"stats-recorder/httpapi"
	"stats-recorder/report/endpoint"
	"stats-recorder/service"
)

// tablePatience is how long a server may take for a table, years of days included.
const tablePatience = time.Minute

// errRefusedTable is the error for a server that does not answer with a table.
var errRefusedTable = errors.New("the server does not answer with the table")

// tableOfServer asks a running server, whose labels and stages these then are.
func tableOfServer(ctx context.Context, c *cli.Command, address string, table endpoint.Table, query httpapi.Query) (exporter.Table, error) {
	for _, flag := range []string{"data-dir", "stages", "labels-file"} {
		if c.IsSet(flag) {
			return exporter.Table{}, fmt.Errorf("%w: --url asks a server, which has its own --%s: leave it out", service.ErrConfig, flag)
		}
	}
	at, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || at.Host == "" || (at.Scheme != "http" && at.Scheme != "https") {
		return exporter.Table{}, fmt.Errorf("%w: --url %q: want the address of a server, such as http://localhost:4000", service.ErrConfig, address)
	}
	parameters := url.Values{"format": {"json"}}
	for _, p := range query {
		parameters.Set(p.Name, p.Value)
	}
	at.Path += "/insight/" + table.Name
	at.RawQuery = parameters.Encode()
	ctx, cancel := context.WithTimeout(ctx, tablePatience)
	defer cancel()
	response, err := getTable(ctx, c, at.String())
	if err != nil {
		return exporter.Table{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return exporter.Table{}, refusal(response)
	}
	return table.OfAnswer(response.Body, query)
}

func getTable(ctx context.Context, c *cli.Command, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: --url: %w", service.ErrConfig, err)
	}
	setting, err := settingOf(c, "read-token")
	if err != nil {
		return nil, err
	}
	if setting.ReadToken != "" {
		request.Header.Set("Authorization", "Bearer "+setting.ReadToken)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	return response, nil
}

// refusal is the error for an answer that is none, with what the server says of it.
func refusal(response *http.Response) error {
	var says struct{ Message string }
	content, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err == nil && json.Unmarshal(content, &says) == nil && says.Message != "" {
		return fmt.Errorf("%w: %s: %s", errRefusedTable, response.Status, says.Message)
	}
	return fmt.Errorf("%w: %s", errRefusedTable, response.Status)
}
