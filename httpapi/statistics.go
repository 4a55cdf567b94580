package httpapi

import (
	"errors"
	"strconv"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
)

// readStatistics ranks the benefits by their events, of all time or of the days
// of a window, and breaks them down by event type, page total and index.
func readStatistics(store *counters.Store, history History, large largeAnswers) func(Request) (Answer, error) {
	return func(r Request) (answer Answer, err error) {
		version, err := AskedVersion(r.Query)
		if err != nil {
			return answer, err
		}
		window, err := AskedWindow(r.Query, history, &answer, 24*time.Hour, time.UTC)
		if err != nil {
			return answer, err
		}
		if overflowed := store.Overflowed(); overflowed > 0 {
			answer.Set(headerOverflowed, strconv.FormatUint(overflowed, 10))
		}
		ranking := newRanking(store.Events.Found(), large.pool.New())
		err = history.ReadInPieces(ranking.query(counters.PositionsOf(version, window.Bounds())), large.piece, ranking.add)
		if err = errors.Join(err, ranking.end()); err != nil {
			ranking.Close()
			return answer, err
		}
		ranking.order(store.Benefits.Names())
		return answer, answer.takeLarge(ranking, large.whole)
	}
}

// AskedVersion reads the version of records that is asked for. The error is for the
// client.
func AskedVersion(q Query) (uint16, error) {
	text := q.First("version")
	if text == "" {
		return records.DefaultVersion, nil
	}
	version, ok := records.ParseInteger([]byte(text))
	if !ok || version < 0 || version > records.MaxVersion {
		return 0, Unprocessable("version: must be an integer from 0 to %d, not %s", records.MaxVersion, records.QuoteShort(text))
	}
	return uint16(version), nil
}
