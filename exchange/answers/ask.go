package answers

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswerBytes bounds what is read of an answer.
const maxAnswerBytes = 1 << 30

// IsURL says whether a text is meant as the address of a server, and not as a file.
func IsURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

// Ask asks a server. The replaced one keeps GET /benefits for half an hour unless it is
// told not to.
func Ask(ctx context.Context, address string) (Answers, error) {
	base, err := url.Parse(address)
	if err != nil || !IsURL(address) || base.Host == "" {
		return Answers{}, fmt.Errorf("%q: %w", address, ErrURL)
	}
	var answers Answers
	if err := get(ctx, base.JoinPath(Benefits).String(), answers.readSums); err != nil {
		return Answers{}, err
	}
	if err := get(ctx, base.JoinPath(Statistics).String(), answers.readPositions); err != nil {
		return Answers{}, err
	}
	return answers, nil
}

func get(ctx context.Context, address string, read func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Cache-Control", "no-cache")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body := io.LimitReader(response.Body, maxAnswerBytes)
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(body, 200)) // as much as there is
		return fmt.Errorf("GET %s: %w: it is %s: %s", address, ErrAnswer, response.Status, strings.TrimSpace(string(said)))
	}
	if err := read(body); err != nil {
		return fmt.Errorf("GET %s: %w", address, err)
	}
	return nil
}
