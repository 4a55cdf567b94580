// What a page does, in Node. Usage: node page.mjs http://host:port
import recorder from "../recorder.js"

const record = recorder(process.argv[2], { hash_id: "1f2e3d4c", abtesting: { CTA: "large" } })
const shown = Array.from({ length: 45 }, (_, i) => ({
  benefit_id: "b" + String(i).padStart(2, "0"), benefit_index: i + 1, page_total: 45, event_type: "show",
}))
record(shown)
record({ benefit_id: "b02", benefit_index: 3, page_total: 45, event_type: "link", version: 3 })
