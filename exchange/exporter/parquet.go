package exporter

import (
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
)

const (
	// parquetGroupRows bounds what is in memory: a row group is written when it
	// is full. It is of the size that DuckDB writes by itself, so that readers
	// can share a file's row groups among their threads.
	parquetGroupRows = 122_880
	// parquetBatchRows is how many rows are handed over at once, which costs far
	// less a row than one by one.
	parquetBatchRows = 1024
)

// parquetRow is a row as Parquet. Numbers are signed, because several readers
// have no unsigned ones. All columns but the count have few different values.
type parquetRow struct {
	Day       *int32 `parquet:"day,optional,date,dict"`
	Benefit   string `parquet:"benefit,dict"`
	EventType string `parquet:"event_type,dict"`
	Version   int32  `parquet:"version,dict"`
	PageTotal int32  `parquet:"page_total,dict"`
	Index     int32  `parquet:"benefit_index,dict"`
	Count     int64  `parquet:"count"`
}

// parquetWriter writes Parquet.
type parquetWriter struct {
	out   *parquet.GenericWriter[parquetRow]
	batch []parquetRow
}

func newParquetWriter(w io.Writer, origin Origin) *parquetWriter {
	options := []parquet.WriterOption{parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(parquetGroupRows)}
	if origin.Directory != "" {
		options = append(options, parquet.KeyValueMetadata(originKey, origin.String()),
			parquet.KeyValueMetadata(holdsKey, strings.Join(origin.Holds, " ")))
	}
	return &parquetWriter{
		out:   parquet.NewGenericWriter[parquetRow](w, options...),
		batch: make([]parquetRow, 0, parquetBatchRows),
	}
}

// The keys of the metadata that say where the rows come from.
const (
	originKey = "stats-recorder.origin"
	holdsKey  = "stats-recorder.holds"
)

func (p *parquetWriter) write(row Row, day date) error {
	made := parquetRow{
		Benefit: row.Benefit, EventType: row.EventType, Version: int32(row.Version),
		PageTotal: int32(row.PageTotal), Index: int32(row.Index), Count: int64(row.Count),
	}
	if day.known {
		made.Day = &day.days
	}
	p.batch = append(p.batch, made)
	if len(p.batch) < parquetBatchRows {
		return nil
	}
	return p.flush()
}

// flush hands the batch over.
func (p *parquetWriter) flush() error {
	if _, err := p.out.Write(p.batch); err != nil {
		return fmt.Errorf("write Parquet rows: %w", err)
	}
	clear(p.batch) // so that names can go
	p.batch = p.batch[:0]
	return nil
}

func (p *parquetWriter) close() error {
	if err := p.flush(); err != nil {
		return err
	}
	if err := p.out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}
