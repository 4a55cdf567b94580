package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// plot draws the report as a PNG: throughput by batch size on the left, latency
// percentiles on the right.
func (r *report) plot() ([]byte, error) {
	throughput, err := r.plotThroughput()
	if err != nil {
		return nil, fmt.Errorf("throughput: %w", err)
	}
	latency, err := r.plotLatency()
	if err != nil {
		return nil, fmt.Errorf("latency: %w", err)
	}
	return drawPanels([][]*plot.Plot{{throughput, latency}})
}

// drawPanels draws rows of plots, as many in each, as a PNG.
func drawPanels(panels [][]*plot.Plot) ([]byte, error) {
	canvas := vgimg.NewWith(vgimg.UseWH(32*vg.Centimeter, vg.Length(13*len(panels))*vg.Centimeter), vgimg.UseDPI(110))
	tiles := draw.Tiles{Rows: len(panels), Cols: len(panels[0]), PadX: vg.Centimeter, PadY: vg.Centimeter,
		PadTop: vg.Millimeter * 3, PadBottom: vg.Millimeter * 3, PadLeft: vg.Millimeter * 3, PadRight: vg.Millimeter * 3}
	for number, row := range plot.Align(panels, tiles, draw.New(canvas)) {
		for position, area := range row {
			if panels[number][position] != nil {
				panels[number][position].Draw(area)
			}
		}
	}
	var picture bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&picture); err != nil {
		return nil, fmt.Errorf("encode PNG: %w", err)
	}
	return picture.Bytes(), nil
}

// plotThroughput draws a group of bars per closed-loop cell and a bar per lane.
func (r *report) plotThroughput() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text = "Throughput"
	drawn.Y.Label.Text = "million records per second"
	drawn.Y.Min = 0
	drawn.Legend.Top, drawn.Legend.Left = true, true
	drawn.Add(horizontalGrid())
	cells := r.throughputCells()
	if len(cells) == 0 {
		return drawn, nil
	}
	lanes := len(cells[0].Lanes)
	width := vg.Points(300 / float64(len(cells)*(lanes+1)))
	for position := range lanes {
		values := make(plotter.Values, len(cells))
		for number, cell := range cells {
			values[number] = cell.Lanes[position].RecordsPerSecond / 1e6
		}
		offset := width * vg.Length(float64(position)-float64(lanes-1)/2)
		if err := addBars(drawn, values, cells[0].Lanes[position].Name, width, offset, seriesColor(position)); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, cell := range cells {
		names = append(names, cell.batchTitle()+cell.manner.title())
	}
	drawn.NominalX(names...)
	drawn.Y.Max *= 1.2 // room for the legend
	return drawn, nil
}

// throughputCells are the closed-loop cells with the same lanes as the first.
func (r *report) throughputCells() []*cellResult {
	var cells []*cellResult
	for position := range r.Cells {
		cell := &r.Cells[position]
		if cell.Rate == 0 && (len(cells) == 0 || sameLanes(cell, cells[0])) {
			cells = append(cells, cell)
		}
	}
	return cells
}

func sameLanes(one, other *cellResult) bool {
	if len(one.Lanes) != len(other.Lanes) {
		return false
	}
	for position := range one.Lanes {
		if one.Lanes[position].Name != other.Lanes[position].Name {
			return false
		}
	}
	return true
}

// addBars adds one bar per group, with its value above it.
func addBars(drawn *plot.Plot, values plotter.Values, name string, width, offset vg.Length, fill color.Color) error {
	bars, err := plotter.NewBarChart(values, width)
	if err != nil {
		return fmt.Errorf("bars of %s: %w", name, err)
	}
	bars.Color, bars.Offset, bars.LineStyle.Width = fill, offset, 0
	labels := plotter.XYLabels{}
	for group, value := range values {
		labels.XYs = append(labels.XYs, plotter.XY{X: float64(group), Y: value})
		labels.Labels = append(labels.Labels, strconv.FormatFloat(value, 'g', 2, 64))
	}
	written, err := plotter.NewLabels(labels)
	if err != nil {
		return fmt.Errorf("labels of %s: %w", name, err)
	}
	for position := range written.TextStyle {
		written.TextStyle[position].Font.Size = font.Points(8)
		written.TextStyle[position].XAlign = draw.XCenter
	}
	written.Offset = vg.Point{X: offset, Y: vg.Points(2)}
	drawn.Add(bars, written)
	drawn.Legend.Add(name, bars)
	return nil
}

// plotLatency draws a line over the percentiles for the first lane of each cell.
func (r *report) plotLatency() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text = "Latency"
	if len(r.Cells) > 0 {
		drawn.Title.Text += " of the " + string(r.Cells[0].Lanes[0].Kind)
	}
	drawn.Y.Label.Text = "milliseconds"
	drawn.Y.Scale = plot.LogScale{}
	drawn.Y.Tick.Marker = decadeTicks()
	drawn.Legend.Top, drawn.Legend.Left = true, true
	drawn.Add(horizontalGrid())
	shown := map[string]bool{}
	for position := range r.Cells {
		cell := &r.Cells[position]
		if shown[cell.title()] {
			continue // the same load again, with variants of the server beside it
		}
		shown[cell.title()] = true
		points := plotter.XYs{}
		summary := cell.Lanes[0].Latency
		for number, latency := range []time.Duration{summary.Median, summary.P90, summary.P99, summary.P999, summary.Max} {
			points = append(points, plotter.XY{X: float64(number), Y: math.Max(latency.Seconds()*1000, 0.001)})
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, fmt.Errorf("line of %s: %w", cell.title(), err)
		}
		line.Color, line.Width = seriesColor(position), vg.Points(1.5)
		marks.Color, marks.Shape = seriesColor(position), draw.CircleGlyph{}
		drawn.Add(line, marks)
		drawn.Legend.Add(cell.title(), line, marks)
	}
	drawn.NominalX("p50", "p90", "p99", "p99.9", "max")
	drawn.X.Min, drawn.X.Max = -0.2, 4.2
	// Room for the legend, a line of which takes about a twentieth of the height.
	drawn.Y.Max *= math.Pow(drawn.Y.Max/drawn.Y.Min, float64(len(shown)+1)/20)
	return drawn, nil
}

// decadeTicks marks each power of ten and, smaller, its double and fivefold.
func decadeTicks() plot.Ticker {
	return plot.TickerFunc(func(lowest, highest float64) []plot.Tick {
		var ticks []plot.Tick
		for decade := math.Floor(math.Log10(lowest)); decade <= math.Ceil(math.Log10(highest)); decade++ {
			for _, step := range []float64{1, 2, 5} {
				value := step * math.Pow(10, decade)
				ticks = append(ticks, plot.Tick{Value: value, Label: fmt.Sprintf("%g", value)})
			}
		}
		return ticks
	})
}

func horizontalGrid() *plotter.Grid {
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = color.Gray{Y: 215}
	return grid
}

// seriesColors is how many there are before they begin again.
const seriesColors = 7

// seriesColor returns a colour that is told apart from its neighbours by people
// who do not see all colours, too (Okabe and Ito).
func seriesColor(position int) color.Color {
	palette := [seriesColors]color.RGBA{
		{R: 0, G: 114, B: 178, A: 255}, {R: 230, G: 159, B: 0, A: 255}, {R: 0, G: 158, B: 115, A: 255},
		{R: 204, G: 121, B: 167, A: 255}, {R: 86, G: 180, B: 233, A: 255}, {R: 213, G: 94, B: 0, A: 255},
		{R: 0, G: 0, B: 0, A: 255},
	}
	return palette[position%seriesColors]
}
