/* The page works without this file. It adds: theme, sorting in place, the map under the pointer and the
   arrow keys, live numbers, print, copy. All words come from the page, which knows the language. */
(() => {
  "use strict";
  var root = document.documentElement, french = root.lang === "fr";
  function stored(value) { // nothing is kept where the browser refuses to
    try { if (value === undefined) return localStorage.getItem("theme"); localStorage.setItem("theme", value); } catch (e) { return null; }
  }
  var theme = stored();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme; // before the first paint
  function number(n, digits) {
    return new Intl.NumberFormat(root.lang, { maximumFractionDigits: digits || 0, minimumFractionDigits: digits || 0 }).format(n);
  }
  function percent(x) { return number(100 * x, 1) + (french ? "\u202f%" : "%"); }
  function all(selector, inside) { return [...(inside || document).querySelectorAll(selector)]; }
  function fill(text, values) { return text.replace(/\{(\w+)\}/g, (_, name) => values[name]); }
  function one(selector) { return document.querySelector(selector); }
  function say(text, word) { // in the status line of a view, by a word that it has
    var line = one("[data-said]");
    if (line) line.textContent = word ? line.dataset[word] + text : text;
  }

  function themes() {
    var b = one("[data-theme-switch]"), order = ["auto", "light", "dark"];
    if (!b) return;
    var names = b.dataset.names.split("|");
    function now() { return root.dataset.theme || "auto"; }
    function show() { b.textContent = names[0] + (french ? "\u00a0: " : ": ") + names[1 + order.indexOf(now())]; }
    b.hidden = false; show();
    b.addEventListener("click", () => {
      var next = order[(order.indexOf(now()) + 1) % 3];
      if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
      stored(next); show();
    });
  }

  /* Headings are links; here they become buttons. A table that is not whole is sorted by the server. */
  function sorting() {
    all("table[data-sortable]").forEach(table => {
      all("a.sort", table).forEach(link => {
        var b = document.createElement("button"), th = link.parentNode;
        b.type = "button"; b.className = "sort"; b.textContent = link.textContent;
        link.replaceWith(b);
        b.addEventListener("click", () => {
          if (!table.hasAttribute("data-complete")) location.assign(link.href); else sort(table, th, b.textContent);
        });
      });
    });
  }
  function sort(table, th, name) {
    var i = all("th", th.parentNode).indexOf(th), body = table.tBodies[0], before = th.getAttribute("aria-sort");
    var first = /\bwho\b|^rk$/.test(th.className) ? "ascending" : "descending";
    var down = (before ? (before === "descending" ? "ascending" : "descending") : first) === "descending";
    all("tr", body).map(row => {
      var v = row.dataset.v.split("|")[i];
      return [row, v, v === "" ? NaN : +v];
    }).sort((a, b) => {
      if (a[1] === "" || b[1] === "") return (a[1] === "") - (b[1] === ""); // what is not known comes last
      var d = isNaN(a[2]) ? a[1].localeCompare(b[1], root.lang) : a[2] - b[2];
      return down ? -d : d;
    }).forEach(x => { body.appendChild(x[0]); });
    all("th", table).forEach(t => { t.removeAttribute("aria-sort"); });
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    say(" " + name, "sorted");
  }

  function map() {
    var svg = one("svg[data-map]"), form = one("[data-read]");
    if (!svg || !form) return;
    function list(name) { return svg.dataset[name].split(","); }
    var lengths = list("ts"), places = list("ks"), tops = list("y").map(Number), cells = {}, column = -1, row = -1;
    var out = form.querySelector("[data-out]"), frames = [svg.querySelector(".cur2"), svg.querySelector(".cur")];
    svg.dataset.v.split(";").forEach(text => { var v = text.split(","); cells[v[0] + "," + v[1]] = v; });
    function text(name) { return form.dataset[name]; }
    function place(k) {
      if (french) return k + (k === "1" ? "re" : "e");
      var n = parseInt(k.split("–").pop(), 10), t = n % 100;
      return k + (t > 10 && t < 14 ? "th" : ["th", "st", "nd", "rd"][n % 10] || "th");
    }
    function find(list, value) {
      for (var i = 0; i < list.length; i++) { var ends = list[i].split("–"); if (value >= +ends[0] && value <= +(ends[1] || ends[0])) return i; }
      return -1;
    }
    function show(c, r, quiet) {
      var v = cells[c + "," + r];
      if (!v) return false;
      column = c; row = r;
      frames.forEach(f => {
        f.removeAttribute("hidden"); f.setAttribute("x", c * 10); f.setAttribute("y", tops[r]); f.setAttribute("height", tops[r + 1] - tops[r]);
      });
      var few = v[2] < 30 || +v[3] > +v[2], title = document.createElement("b"), values = { shows: number(v[2]), clicks: number(v[3]) };
      if (!few) { values.rate = percent(v[3] / v[2]); values.low = percent(v[5]); values.high = percent(v[6]); }
      title.textContent = fill(text("place"), { k: place(places[r]), t: lengths[c] });
      out.replaceChildren(title, document.createElement("br"),
        fill(text(few ? "few" : "text"), values) + (v[4] === "" ? "" : " " + fill(text("expected"), { expected: number(v[4]) })));
      if (!quiet) { form.page_total.value = parseInt(lengths[c], 10); form.benefit_index.value = parseInt(places[r], 10); }
      return true;
    }
    function at(e) {
      var box = svg.getBoundingClientRect(), x = (e.clientX - box.left) / box.width * lengths.length, y = (e.clientY - box.top) / box.height * tops[tops.length - 1], i = 0;
      while (i < places.length - 1 && tops[i + 1] <= y) i++;
      return [Math.min(lengths.length - 1, Math.max(0, Math.floor(x))), i];
    }
    function point(e) { var p = at(e); show(p[0], p[1]); }
    column = find(lengths, +form.page_total.value); row = find(places, +form.benefit_index.value);
    svg.addEventListener("pointermove", e => { if (e.pointerType === "mouse") point(e); });
    svg.addEventListener("click", point);
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("focus", () => { show(column, row); });
    svg.addEventListener("keydown", e => {
      var step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: [0, -row], End: [0, 999] }[e.key];
      if (e.ctrlKey || e.altKey || e.metaKey || !step) return;
      e.preventDefault();
      for (var r = Math.min(row + step[1], places.length - 1); !show(column + step[0], r) && step[1] > 1 && r > 0; r--);
    });
    form.addEventListener("input", () => {
      if (!show(find(lengths, +form.page_total.value), find(places, +form.benefit_index.value), true)) out.textContent = text("none");
    });
    form.addEventListener("submit", e => { e.preventDefault(); });
  }

  /* Today's numbers move as records come in, and every minute the server makes the rest of them anew. Other views only look
     whether the server is there. Nothing is asked for while nobody looks. */
  function live() {
    var box = one("[data-live]"), banner = one("[data-lost-banner]");
    if (!banner || !window.EventSource) return;
    var address = banner.dataset.watch, heard = Date.now(), lost = 0, paused = false, source = null, first = null, tick = 0;
    var button = one("[data-live-pause]"), text = one("[data-live-text]"), dot = one(".pulse");
    function word(name, inside) { return (inside || box || banner).dataset[name] || ""; }
    function clock(time) {
      var t = new Date(time).toLocaleTimeString(french ? "fr" : "en-GB", { hour: "2-digit", minute: "2-digit", timeZone: word("zone", banner) });
      return french ? t.replace(/^0/, "").replace(":", "\u00a0h\u00a0") : t;
    }
    function hear() {
      heard = Date.now();
      if (lost) { lost = 0; say(word("back", banner)); }
    }
    function away() {
      if (lost) return;
      lost = heard;
      if (box) { dot.className = "pulse off"; text.textContent = word("lost"); say(word("lost")); }
    }
    function look() { return fetch(address, { method: "HEAD", cache: "no-store" }).then(hear); }
    function start() {
      stop();
      source = new EventSource(address);
      source.onmessage = m => { hear(); dot.className = "pulse on"; show(JSON.parse(m.data)); };
      source.onerror = () => { // it is there, but has no room for one more who listens
        if (source && source.readyState === 2) look().then(() => { dot.className = "pulse"; text.textContent = word("full"); }, () => {});
      };
    }
    function stop() { if (source) { source.close(); source = null; } }
    function show(v) {
      if (word("fills")) { if (v.records > 0) location.reload(); return; }
      if (!first || v.records < first.records) first = v; // at the beginning, at midnight, and when the server was started again
      var seconds = (new Date(v.at) - new Date(first.at)) / 1000, last = v.last_record, parts = [];
      if (last) parts.push(fill(word("last"), { ago: ago((new Date(v.at) - new Date(last)) / 1000) }));
      if (seconds > 9) parts.push(fill(word("rate"), { n: number(60 * (v.records - first.records) / seconds) }));
      if (last) text.textContent = parts.join(" · ");
      all("[data-counts]").forEach(e => { // since midnight of the page, which is not that of the event
        if (word("day", e) === v.at.slice(0, 10)) e.textContent = number(v[word("counts", e)] + +word("plus", e)); else tick = -1;
      });
      if (last) all("[data-received]").forEach(e => { e.textContent = fill(word("at"), { time: clock(last) }); });
    }
    function ago(s) {
      var unit = s < 60 ? [1, "s"] : s < 3600 ? [60, "min"] : s < 86400 ? [3600, "h"] : [86400, french ? "j" : "d"];
      return number(Math.max(0, s / unit[0])) + "\u00a0" + unit[1];
    }
    function renew() {
      var parts = ".phrase,.day,figure,details table,.findings,.states";
      fetch(location.href).then(r => r.ok ? r.text() : "").then(html => {
        var made = all(parts, new DOMParser().parseFromString(html, "text/html")), old = all(parts);
        if (made.length && made.length !== old.length) location.reload();
        else made.forEach((m, i) => { if (!old[i].contains(document.activeElement)) old[i].replaceWith(m); });
      }).catch(() => {});
    }
    setInterval(() => {
      if (paused || document.hidden) return;
      tick++;
      if (!box) { if (tick % 15 === 0) look().catch(away); }
      else {
        if (tick % 5 === 0 && (!source || source.readyState === 2)) start();
        if (tick % 60 === 0 && !lost) renew();
        if (Date.now() - heard > 10000) away();
      }
      tell();
    }, 1000);
    function tell() { // after 20 seconds, with a countdown to the next try
      var seconds = lost ? (Date.now() - lost) / 1000 : 0, title = banner.querySelector("[data-lost-title]"), retry = banner.querySelector("[data-lost-retry]");
      if (seconds >= 20) {
        if (banner.hidden) title.textContent = fill(word("text", title), { time: clock(lost) });
        var every = box ? 5 : 15;
        retry.textContent = fill(word("text", retry), { n: every - tick % every });
      }
      banner.hidden = seconds < 20;
    }
    if (button) {
      button.hidden = false;
      button.addEventListener("click", () => {
        paused = !paused; lost = 0; tell(); dot.className = "pulse"; heard = Date.now();
        if (paused) stop(); else start();
        button.textContent = word(paused ? "resume" : "pause");
      });
    }
    document.addEventListener("visibilitychange", () => {
      heard = Date.now();
      if (document.hidden) stop(); else if (box && !paused) { start(); tick = -1; }
    });
    if (box) start();
  }

  function actions() {
    all("[data-print]").forEach(b => { b.hidden = false; b.addEventListener("click", () => { window.print(); }); });
    if (navigator.clipboard) all("[data-copy]").forEach(b => {
      b.hidden = false;
      b.addEventListener("click", () => {
        navigator.clipboard.writeText(location.href).then(() => { say("", "copied"); }, () => { say("", "refused"); });
      });
    });
  }
  document.addEventListener("DOMContentLoaded", () => { themes(); sorting(); map(); live(); actions(); });
})();
