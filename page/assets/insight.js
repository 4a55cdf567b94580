/* The page works without this file. It adds: theme, sorting in place, the map under the pointer and the
   arrow keys, live numbers, print, copy. All words come from the page, which knows the language. */
(function () {
  "use strict";
  var root = document.documentElement;
  function stored(value) { // nothing is kept where the browser refuses to
    try { if (value === undefined) return localStorage.getItem("theme"); localStorage.setItem("theme", value); } catch (e) { return null; }
  }
  var theme = stored();
  if (theme === "dark" || theme === "light") root.setAttribute("data-theme", theme); // before the first paint
  function number(n, digits) {
    return new Intl.NumberFormat(root.lang, { maximumFractionDigits: digits || 0, minimumFractionDigits: digits || 0 }).format(n);
  }
  function percent(x) { return number(100 * x, 1) + (root.lang === "fr" ? "\u202f%" : "%"); }
  function all(selector, inside) { return Array.prototype.slice.call((inside || document).querySelectorAll(selector)); }
  function fill(text, values) { return text.replace(/\{(\w+)\}/g, function (_, name) { return values[name]; }); }
  var said = function () { return document.querySelector("[data-said]"); };
  function say(text) { if (said()) said().textContent = text; }

  function themes() {
    var b = document.querySelector("[data-theme-switch]"), order = ["auto", "light", "dark"];
    if (!b) return;
    var names = b.getAttribute("data-names").split("|");
    function now() { return root.getAttribute("data-theme") || "auto"; }
    function show() { b.textContent = names[0] + (root.lang === "fr" ? "\u00a0: " : ": ") + names[1 + order.indexOf(now())]; }
    b.hidden = false; show();
    b.addEventListener("click", function () {
      var next = order[(order.indexOf(now()) + 1) % 3];
      if (next === "auto") root.removeAttribute("data-theme"); else root.setAttribute("data-theme", next);
      stored(next); show();
    });
  }

  /* Headings are links; here they become buttons. A table that is not whole is sorted by the server. */
  function sorting() {
    all("table[data-sortable]").forEach(function (table) {
      all("a.sort", table).forEach(function (link) {
        var b = document.createElement("button"), th = link.parentNode, href = link.getAttribute("href");
        b.type = "button"; b.className = "sort"; b.textContent = link.textContent;
        th.replaceChild(b, link);
        b.addEventListener("click", function () {
          if (!table.hasAttribute("data-complete")) location.assign(href); else sort(table, th, b.textContent);
        });
      });
    });
  }
  function sort(table, th, name) {
    var i = all("th", th.parentNode).indexOf(th), body = table.tBodies[0], before = th.getAttribute("aria-sort");
    var first = /\bwho\b|^rk$/.test(th.className) ? "ascending" : "descending";
    var down = (before ? (before === "descending" ? "ascending" : "descending") : first) === "descending";
    all("tr", body).map(function (row) {
      var v = row.getAttribute("data-v").split("|")[i];
      return [row, v, v === "" ? NaN : +v];
    }).sort(function (a, b) {
      if (a[1] === "" || b[1] === "") return (a[1] === "") - (b[1] === ""); // what is not known comes last
      var d = isNaN(a[2]) ? a[1].localeCompare(b[1], root.lang) : a[2] - b[2];
      return down ? -d : d;
    }).forEach(function (x) { body.appendChild(x[0]); });
    all("th", table).forEach(function (t) { t.removeAttribute("aria-sort"); });
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    if (said()) say(said().getAttribute("data-sorted") + " " + name);
  }

  function map() {
    var svg = document.querySelector("svg[data-map]"), form = document.querySelector("[data-read]");
    if (!svg || !form) return;
    function list(name) { return svg.getAttribute("data-" + name).split(","); }
    var lengths = list("ts"), places = list("ks"), tops = list("y").map(Number), cells = {}, column = -1, row = -1;
    var out = form.querySelector("[data-out]"), frames = [svg.querySelector(".cur2"), svg.querySelector(".cur")];
    svg.getAttribute("data-v").split(";").forEach(function (text) { var v = text.split(","); cells[v[0] + "," + v[1]] = v; });
    function text(name) { return form.getAttribute("data-" + name); }
    function place(k) {
      if (root.lang === "fr") return k + (k === "1" ? "re" : "e");
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
      frames.forEach(function (f) {
        f.removeAttribute("hidden"); f.setAttribute("x", c * 10); f.setAttribute("y", tops[r]); f.setAttribute("height", tops[r + 1] - tops[r]);
      });
      var few = v[2] < 30 || +v[3] > +v[2], title = document.createElement("b"), values = { shows: number(v[2]), clicks: number(v[3]) };
      if (!few) { values.rate = percent(v[3] / v[2]); values.low = percent(v[5]); values.high = percent(v[6]); }
      title.textContent = fill(text("place"), { k: place(places[r]), t: lengths[c] });
      out.textContent = "";
      out.appendChild(title); out.appendChild(document.createElement("br"));
      out.appendChild(document.createTextNode(fill(text(few ? "few" : "text"), values) + (v[4] === "" ? "" : " " + fill(text("expected"), { expected: number(v[4]) }))));
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
    svg.addEventListener("pointermove", function (e) { if (e.pointerType === "mouse") point(e); });
    svg.addEventListener("click", point);
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("focus", function () { show(column, row); });
    svg.addEventListener("keydown", function (e) {
      var step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (e.ctrlKey || e.altKey || e.metaKey || !(step || e.key === "Home" || e.key === "End")) return;
      e.preventDefault();
      if (e.key === "Home") return show(column, 0);
      if (e.key === "End") { for (var i = places.length - 1; i >= 0; i--) if (show(column, i)) return; }
      else show(column + step[0], row + step[1]);
    });
    form.addEventListener("input", function () {
      if (!show(find(lengths, +form.page_total.value), find(places, +form.benefit_index.value), true)) out.textContent = text("none");
    });
    form.addEventListener("submit", function (e) { e.preventDefault(); });
  }

  /* The server tells one event at a time, and the browser comes again by itself. It is lost when nothing was heard for a while. */
  function live() {
    var box = document.querySelector("[data-live]"), heard = 0, first = null, source = null, paused = false, lostAt = 0;
    if (!box || !window.EventSource) return;
    var button = box.querySelector("[data-live-pause]"), text = box.querySelector("[data-live-text]"), dot = box.querySelector(".pulse");
    function word(name) { return box.getAttribute("data-" + name) || ""; }
    function start() {
      heard = Date.now();
      source = new EventSource(box.getAttribute("data-live"));
      source.onmessage = function (m) {
        var v = JSON.parse(m.data);
        heard = Date.now(); dot.className = "pulse on";
        if (lostAt) { lostAt = 0; say(word("back")); banner(); }
        if (!box.hasAttribute("data-fills")) text.textContent = tell(v);
        else if (v.records > 0) location.reload();
      };
    }
    function tell(v) {
      if (!first || v.records < first.records) first = v; // at the beginning, and when the server was started again
      var minutes = (v.at - first.at) / 60000, parts = [];
      if (v.last) parts.push(fill(word("last"), { ago: ago((v.at - v.last) / 1000) }));
      if (minutes > .15) parts.push(fill(word("rate"), { n: number((v.records - first.records) / minutes) }));
      return parts.join(" · ") || word("none");
    }
    function ago(s) {
      if (s >= 86400) return number(s / 86400) + (root.lang === "fr" ? "\u00a0j" : "\u00a0d");
      return s < 60 ? number(Math.max(0, s)) + "\u00a0s" : s < 3600 ? number(s / 60) + "\u00a0min" : number(s / 3600) + "\u00a0h";
    }
    function stop() { if (source) { source.close(); source = null; } }
    setInterval(function () {
      if (paused || document.hidden) return;
      if (!source || source.readyState === 2) { stop(); if (Math.floor(Date.now() / 1000) % 5 === 0) { var h = heard; start(); heard = h; } }
      if (!lostAt && Date.now() - heard > 10000) { lostAt = heard; dot.className = "pulse off"; text.textContent = word("lost"); say(word("lost")); }
      banner();
    }, 1000);
    /* After 20 seconds the banner says so, with a countdown to the next try. */
    function banner() {
      var b = document.querySelector("[data-lost-banner]"), seconds = lostAt ? (Date.now() - lostAt) / 1000 : 0;
      if (!b) return;
      if (seconds < 20) { b.hidden = true; return; }
      var title = b.querySelector("[data-lost-title]"), retry = b.querySelector("[data-lost-retry]");
      if (b.hidden) title.textContent = fill(title.getAttribute("data-text"), { time: new Date(lostAt).toLocaleTimeString(root.lang, { hour: "2-digit", minute: "2-digit" }) });
      b.hidden = false;
      retry.textContent = fill(retry.getAttribute("data-text"), { n: 5 - Math.floor(seconds) % 5 });
    }
    if (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        paused = !paused; lostAt = 0; banner(); dot.className = "pulse";
        if (paused) stop(); else start();
        button.textContent = word(paused ? "resume" : "pause");
      });
    }
    document.addEventListener("visibilitychange", function () { if (document.hidden) stop(); else if (!source && !paused) start(); });
    start();
  }

  function actions() {
    all("[data-print]").forEach(function (b) { b.hidden = false; b.addEventListener("click", function () { window.print(); }); });
    if (navigator.clipboard) all("[data-copy]").forEach(function (b) {
      b.hidden = false;
      b.addEventListener("click", function () {
        navigator.clipboard.writeText(location.href).then(function () { say(said().getAttribute("data-copied")); }, function () { say(said().getAttribute("data-refused")); });
      });
    });
  }
  document.addEventListener("DOMContentLoaded", function () { themes(); sorting(); map(); live(); actions(); });
})();
