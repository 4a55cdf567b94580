package draw

import "html/template"

// Marks are the symbols and the hatching that pictures and words refer to. They must be
// in a document once, before anything else, and not hidden by display: none.
const Marks template.HTML = `<svg class="vh" aria-hidden="true" focusable="false" width="0" height="0"><defs>` +
	`<symbol id="m-above" viewBox="-8 -8 16 16" overflow="visible"><path d="M0-6.5 6.5 5h-13z"/></symbol>` +
	`<symbol id="m-below" viewBox="-8 -8 16 16" overflow="visible"><path d="M0 6.5 6.5-5h-13z"/></symbol>` +
	`<symbol id="m-unsure" viewBox="-8 -8 16 16" overflow="visible"><circle r="4.6"/></symbol>` +
	`<symbol id="i-ok" viewBox="0 0 16 16"><path d="M2 8.5 6 12.5 14 3.5" fill="none" stroke="currentColor" stroke-width="2.4"/></symbol>` +
	`<symbol id="i-warn" viewBox="0 0 16 16"><path d="M8 1.5 15.5 14.5H.5z" fill="none" stroke="currentColor" stroke-width="1.8"/><path d="M8 6v4.5M8 11.7v1.3" stroke="currentColor" stroke-width="1.8"/></symbol>` +
	`<symbol id="i-bad" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.8" fill="none" stroke="currentColor" stroke-width="1.8"/><path d="m5 5 6 6m0-6-6 6" stroke="currentColor" stroke-width="1.8"/></symbol>` +
	`<symbol id="i-off" viewBox="0 0 16 16"><circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="2.5 2"/></symbol>` +
	`<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6"/><path d="M0 6 6 0M-1 1 1-1M5 7 7 5" fill="none"/></pattern>` +
	`</defs></svg>`
