package main

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// plotGrowth draws a panel for each curve as a PNG, two in a row.
func (r *report) plotGrowth() ([]byte, error) {
	const columns = 2
	var panels [][]*plot.Plot
	for position := range r.Growth {
		drawn, err := r.Growth[position].plot()
		if err != nil {
			return nil, fmt.Errorf("growth with %s: %w", r.Growth[position].Of, err)
		}
		if position%columns == 0 {
			panels = append(panels, make([]*plot.Plot, columns))
		}
		panels[position/columns][position%columns] = drawn
	}
	return drawPanels(panels)
}

// plot draws each cost in multiples of what it is at the smallest size, on logarithmic
// axes: the slope of a line is its exponent. A dashed line is what is linear.
func (c *curve) plot() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text = capitalized(c.title())
	drawn.X.Label.Text, drawn.Y.Label.Text = c.Of, "times as much as with the fewest"
	drawn.X.Scale, drawn.Y.Scale = plot.LogScale{}, plot.LogScale{}
	drawn.X.Tick.Marker, drawn.Y.Tick.Marker = plot.LogTicks{Prec: -1}, decadeTicks()
	drawn.Legend.Top, drawn.Legend.Left = true, true
	drawn.Add(horizontalGrid())
	linear := plotter.XYs{}
	for _, size := range c.Sizes {
		linear = append(linear, plotter.XY{X: float64(size), Y: float64(size) / float64(c.Sizes[0])})
	}
	reference, err := plotter.NewLine(linear)
	if err != nil {
		return nil, fmt.Errorf("what is linear: %w", err)
	}
	reference.Color, reference.Dashes = color.Gray{Y: 130}, []vg.Length{vg.Points(4), vg.Points(3)}
	drawn.Add(reference)
	drawn.Legend.Add("linear", reference)
	for position, one := range c.Costs {
		if err := c.addLine(drawn, one, position); err != nil {
			return nil, fmt.Errorf("%s: %w", one.Name, err)
		}
	}
	return drawn, nil
}

// addLine adds one cost where it is known.
func (c *curve) addLine(drawn *plot.Plot, one cost, position int) error {
	points, first := plotter.XYs{}, 0.0
	for i, value := range one.Values {
		if value <= 0 {
			continue
		}
		if first == 0 {
			first = value
		}
		points = append(points, plotter.XY{X: float64(c.Sizes[i]), Y: value / first})
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = seriesColor(position), vg.Points(1.5)
	marks.Color, marks.Shape = seriesColor(position), draw.CircleGlyph{}
	if position >= seriesColors {
		marks.Shape = draw.BoxGlyph{}
	}
	drawn.Add(line, marks)
	drawn.Legend.Add(fmt.Sprintf("%s (%s)", one.Name, signed(one.Slope)), line, marks)
	return nil
}
