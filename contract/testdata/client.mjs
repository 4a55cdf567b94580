// What the pages do, as Node's fetch sends it. Usage: node client.mjs http://host:port
// Prints one line of JSON: what the server answered.
import { gzipSync } from "node:zlib"

const server = process.argv[2]
const origin = "https://page.example"
const json = { "Content-Type": "application/json", Origin: origin }

const page = ["rsa", "apl", "livret_épargne"].map((id, i, all) => ({
  benefit_id: id, hash_id: "1f2e3d4c5b6a7988", abtesting: { CTA_EXPLANATION: "explanation" },
  benefit_index: i + 1, page_total: all.length, event_type: "show", version: 2,
}))
const click = { ...page[1], event_type: "showDetails" }

async function answer(path, options) {
  const response = await fetch(server + path, options)
  const text = await response.text()
  return { status: response.status, origin: response.headers.get("access-control-allow-origin"), body: text ? JSON.parse(text) : null }
}

const post = (body, headers = json) => answer("/benefits", { method: "POST", headers, body })
const answers = {
  preflight: await answer("/benefits", {
    method: "OPTIONS",
    headers: { Origin: origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type" },
  }),
  page: await post(JSON.stringify(page)),
  click: await post(JSON.stringify(click)),
  none: await post(JSON.stringify([])),
  text: await post(JSON.stringify(click), { Origin: origin }), // a string body is text/plain;charset=UTF-8
  packed: await post(gzipSync(JSON.stringify(page)), { ...json, "Content-Encoding": "gzip" }),
  partly: await post(JSON.stringify([page[0], { ...page[1], event_type: "opened" }])),
  benefits: await answer("/benefits?start_at=2020-01-01", { headers: { Origin: origin } }),
  statistics: await answer("/statistics", { headers: { Origin: origin } }),
}
console.log(JSON.stringify(answers))
