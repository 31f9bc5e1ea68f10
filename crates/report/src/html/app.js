"use strict";
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const W = D.words, N = D.id.length;
  const ROW = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")); // every row is as tall as any other
  const $ = (id) => document.getElementById(id);
  const fmt = new Intl.NumberFormat(document.documentElement.lang);
  const num = (n) => fmt.format(n);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, k) => values[k]);

  // Elements are made with text nodes only: nothing that AWS supplied is ever read as markup.
  function el(tag, attrs, ...kids) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attrs || {})) {
      if (k === "class") e.className = v;
      else if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
      else if (v !== undefined && v !== false) e.setAttribute(k, v === true ? "" : v);
    }
    e.append(...kids.filter((k) => k !== null && k !== undefined));
    return e;
  }

  // Text in backticks is code.
  const prose = (text) => text.split("`").map((part, n, all) => (n % 2 && n < all.length - 1 ? el("code", {}, part) : n % 2 ? "`" + part : part));

  // columns
  const rule = Uint16Array.from(D.rule), account = Uint16Array.from(D.account), region = Uint16Array.from(D.region);
  const status = Uint8Array.from(D.status, Number);
  const [RULE, SERVICE, SEVERITY, TITLE, WHY, MAPS] = [0, 1, 2, 3, 4, 5];
  const place = (name) => (/^aws(-.*)?-global$/.test(name) ? W.global : name);
  const full = (i, column) => D.texts[D[column][i]].replace(/[\u0001\u0002\u0003]/g,
    (c) => c === "\u0001" ? D.id[i] : c === "\u0002" ? D.accounts[account[i]] : D.regions[region[i]]);
  const nothing = D.meta.left_out ? W.nothing_new : W.nothing_judged;
  const frameworkTitle = new Map((D.meta.frameworks || []).map((f) => [f.id, f.title]));

  // facets: each gives a row its value, or (frameworks) its rule several
  const services = [...new Set(D.rules.map((r) => r[SERVICE]))].sort();
  const frameworks = [...new Set(D.rules.flatMap((r) => r[MAPS].map((m) => m.split("/")[0])))].sort();
  const serviceOf = Uint16Array.from(D.rules, (r) => services.indexOf(r[SERVICE]));
  const severityOf = Uint8Array.from(D.rules, (r) => r[SEVERITY]);
  const frameworksOf = D.rules.map((r) => [...new Set(r[MAPS].map((m) => frameworks.indexOf(m.split("/")[0])))]);
  const facets = [
    { name: "status", title: W.status, values: D.statuses, of: (i) => status[i], paint: "f" },
    { name: "severity", title: W.severity, values: D.severities, of: (i) => severityOf[rule[i]], paint: "s" },
    { name: "service", title: W.service, values: services, of: (i) => serviceOf[rule[i]] },
    { name: "account", title: W.account, values: D.accounts, of: (i) => account[i] },
    { name: "region", title: W.region, values: D.regions.map(place), of: (i) => region[i] },
    { name: "framework", title: W.framework, values: frameworks.map((f) => frameworkTitle.get(f) || f), many: (i) => frameworksOf[rule[i]] },
    { name: "check", title: W.check, values: D.rules.map((r) => r[TITLE]), of: (i) => rule[i], byPick: true },
  ];
  for (const f of facets) { f.on = new Set(); f.counts = new Uint32Array(f.values.length); f.open = false; }
  const facet = Object.fromEntries(facets.map((f) => [f.name, f]));
  const start = () => {
    for (const f of facets) f.on.clear();
    if (status.some((s) => s < 2)) { facet.status.on.add(0); facet.status.on.add(1); }
  };
  start();

  // filtering: one pass; a row that only one facet hides still counts in that facet
  let query = "", order = null, view = new Uint32Array(0), groups = [], tab = 0, at = -1, sort = null;
  let lower = null;
  function matcher() {
    const terms = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!terms.length) return null;
    lower ||= D.id.map((id) => id.toLowerCase());
    const tests = terms.map((t) => ({
      t, arn: t.includes(":") || t.includes("/"),
      rules: D.rules.map((r) => r[RULE].toLowerCase().includes(t) || r[TITLE].toLowerCase().includes(t)),
      accounts: D.accounts.map((a) => a.includes(t)),
    }));
    return (i) => tests.every((q) => q.rules[rule[i]] || lower[i].includes(q.t) || q.accounts[account[i]] ||
      (q.arn && full(i, "arn").toLowerCase().includes(q.t)));
  }
  function apply() {
    const text = matcher(), found = [];
    for (const f of facets) f.counts.fill(0);
    const active = facets.filter((f) => f.on.size);
    for (let n = 0; n < N; n++) {
      const i = order ? order[n] : n;
      let hidden = 0, by = null;
      for (const f of active) {
        if (f.many ? !f.many(i).some((v) => f.on.has(v)) : !f.on.has(f.of(i))) { hidden++; by = f; if (hidden > 1) break; }
      }
      if (hidden > 1 || (text && !text(i))) continue;
      for (const f of hidden ? [by] : facets) {
        if (f.many) for (const v of f.many(i)) f.counts[v]++; else f.counts[f.of(i)]++;
      }
      if (!hidden) found.push(i);
    }
    view = Uint32Array.from(found);
    if (tab) group();
    at = Math.min(at, size() - 1);
    drawFacets(); drawCount(); layout();
  }
  function group() {
    const by = new Map();
    for (const i of view) {
      let g = by.get(rule[i]);
      if (!g) by.set(rule[i], (g = { rule: rule[i], n: [0, 0, 0, 0] }));
      g.n[status[i]]++;
    }
    groups = [...by.values()].sort((a, b) => severityOf[a.rule] - severityOf[b.rule] || b.n[0] - a.n[0] || b.n[1] - a.n[1]);
  }
  const size = () => (tab ? groups.length : view.length);

  const rank = (values) => {
    const sorted = values.map((v, i) => [v, i]).sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    const out = new Uint32Array(values.length);
    sorted.forEach(([, i], n) => { out[i] = n; });
    return out;
  };
  const ranks = {};
  const keys = {
    severity: () => (i) => severityOf[rule[i]],
    status: () => (i) => status[i],
    check: () => { const r = (ranks.check ||= rank(D.rules.map((r) => r[TITLE]))); return (i) => r[rule[i]]; },
    resource: () => { const r = (ranks.resource ||= rank(D.id)); return (i) => r[i]; },
    account: () => { const r = (ranks.account ||= rank(D.accounts)); return (i) => r[account[i]]; },
    region: () => { const r = (ranks.region ||= rank(D.regions)); return (i) => r[region[i]]; },
  };
  function sortBy(name) {
    if (sort && sort.name === name && sort.down) { sort = null; order = null; }
    else {
      sort = { name, down: Boolean(sort && sort.name === name) };
      const key = keys[name](), way = sort.down ? -1 : 1;
      const by = Float64Array.from({ length: N }, (_, i) => key(i));
      order = Uint32Array.from({ length: N }, (_, i) => i).sort((a, b) => way * (by[a] - by[b]) || a - b);
    }
    drawHead(); apply();
  }

  // the list: only the rows in sight exist
  const list = $("list"), spacer = $("spacer"), rows = $("rows");
  const TALLEST = 15e6; // browsers limit an element's height
  const scale = () => {
    const tall = size() * ROW, shown = Math.min(tall, TALLEST), sight = list.clientHeight;
    return tall > shown ? (tall - sight) / (shown - sight) : 1;
  };
  function layout() { spacer.style.height = Math.min(size() * ROW, TALLEST) + "px"; $("none").hidden = size() > 0; $("none").textContent = N ? W.no_match : nothing; draw(true); }
  let drawn = "";
  function draw(force) {
    const k = scale(), top = list.scrollTop * k, first = Math.max(0, Math.floor(top / ROW) - 6);
    const last = Math.min(size(), first + Math.ceil(list.clientHeight / ROW) + 12);
    const key = first + ":" + last;
    rows.style.transform = `translateY(${first * ROW - top + list.scrollTop}px)`;
    if (!force && key === drawn) return;
    drawn = key;
    const out = [];
    for (let n = first; n < last; n++) out.push(tab ? checkRow(groups[n], n) : findingRow(view[n], n));
    rows.replaceChildren(...out);
    list.setAttribute("aria-activedescendant", at >= first && at < last ? "r" + at : "");
  }
  const cell = (cls, ...kids) => el("div", { class: cls, role: "gridcell" }, ...kids);
  const two = (first, second) => cell("two", el("span", { class: "lead", title: first }, first), el("small", { class: "mono" }, second));
  const rowAttrs = (n, calm) => ({ class: "row" + (n === at ? " at" : "") + (calm ? " calm" : ""), role: "row", id: "r" + n, "aria-rowindex": n + 2, "aria-selected": String(n === at), "data-n": n });
  function findingRow(i, n) {
    const r = D.rules[rule[i]], s = r[SEVERITY];
    return el("div", rowAttrs(n, status[i] > 1), cell("sev s" + s, D.severities[s]), cell("status f" + status[i], D.statuses[status[i]]),
      two(r[TITLE], r[RULE]), two(D.id[i], D.kinds[D.kind[i]]), cell("", D.accounts[account[i]]), cell("", place(D.regions[region[i]])));
  }
  function checkRow(g, n) {
    const r = D.rules[g.rule], s = r[SEVERITY];
    return el("div", rowAttrs(n, !g.n[0] && !g.n[1]), cell("sev s" + s, D.severities[s]), two(r[TITLE], r[RULE]), cell("", r[SERVICE]),
      ...g.n.map((c, st) => cell(c ? "f" + st : "f3", c ? num(c) : "–")));
  }
  function drawHead() {
    const head = $("head");
    list.setAttribute("role", "grid");
    document.querySelector(".listing").classList.toggle("checks", tab === 1);
    if (tab) head.replaceChildren(...[W.severity, W.check, W.service, ...D.statuses].map((t) => el("div", { title: t }, t)));
    else head.replaceChildren(...["severity", "status", "check", "resource", "account", "region"].map((name) =>
      el("div", { role: "columnheader", "aria-sort": sort && sort.name === name ? (sort.down ? "descending" : "ascending") : "none" },
        el("button", { type: "button", title: fill(W.sort_by, { name: W[name] }), onclick: () => sortBy(name) }, W[name]))));
    for (const n of [0, 1]) $("tab" + n).setAttribute("aria-selected", String(tab === n));
  }
  function drawCount() {
    const all = tab ? D.rules.length : N;
    $("count").textContent = fill(W.shown_of, { n: num(size()), all: num(all) });
    list.setAttribute("aria-rowcount", size() + 1);
    $("clear").hidden = !query && facets.every((f) => f.name === "status" || !f.on.size);
  }

  // facets on the left
  function drawFacets() {
    const focused = document.activeElement && document.activeElement.id;
    $("facets").replaceChildren(...facets.filter((f) => (f.byPick ? f.on.size : f.values.length > 1 || f.on.size)).map((f) => {
      let shown = f.values.map((_, v) => v);
      if (f.byPick) shown = shown.filter((v) => f.on.has(v));
      else if (!f.paint) shown.sort((a, b) => f.on.has(b) - f.on.has(a) || f.counts[b] - f.counts[a] || (f.values[a] < f.values[b] ? -1 : 1));
      const cap = f.open ? 400 : f.paint ? 9 : 7, rest = shown.length - cap;
      const options = shown.slice(0, cap).map((v) => el("label", { class: "opt" + (f.counts[v] ? "" : " empty"), title: f.values[v] },
        el("input", { type: "checkbox", id: `${f.name}-${v}`, checked: f.on.has(v), onchange: (e) => { e.target.checked ? f.on.add(v) : f.on.delete(v); toTop(); } }),
        el("span", { class: f.paint ? f.paint + v : "" }, f.values[v]), el("em", {}, num(f.counts[v]))));
      return el("fieldset", {}, el("legend", {}, f.title, f.on.size ? el("button", { type: "button", onclick: () => { f.on.clear(); toTop(); } }, W.clear_facet) : null), ...options,
        rest > 0 || f.open ? el("button", { type: "button", class: "morebtn", onclick: () => { f.open = !f.open; drawFacets(); } }, f.open ? W.show_less : fill(W.show_more, { n: num(shown.length) })) : null);
    }));
    if (focused && !document.activeElement.id) $(focused)?.focus();
  }
  function toTop() { at = -1; list.scrollTop = 0; closeDrawer(); apply(); }

  // the drawer
  const drawer = $("drawer");
  function closeDrawer(back) { drawer.hidden = true; if (back) list.focus(); }
  const block = (title, ...kids) => [el("h3", {}, title), ...kids];
  function openDrawer(i, focus) {
    const r = D.rules[rule[i]], st = status[i], arn = full(i, "arn"), reason = full(i, "reason"), missing = full(i, "missing");
    const evidence = full(i, "evidence");
    const button = (label, sign, run) => el("button", { type: "button", title: label, "aria-label": label, onclick: run }, sign);
    const term = (name, value, extra) => [el("dt", {}, name), el("dd", {}, value, extra)];
    const copy = el("button", { type: "button", onclick: () => navigator.clipboard?.writeText(arn).then(() => { copy.textContent = W.copied; }) }, W.copy_arn);
    let pretty = evidence;
    try { pretty = JSON.stringify(JSON.parse(evidence), null, 2); } catch { /* shown as it is */ }
    drawer.replaceChildren(
      el("header", {}, el("span", { class: "sev s" + r[SEVERITY] }, D.severities[r[SEVERITY]]), el("span", { class: "f f" + st }, D.statuses[st]),
        button(W.previous, "↑", () => move(-1, true)), button(W.next, "↓", () => move(1, true)), button(W.close, "×", () => closeDrawer(true))),
      el("h2", {}, r[TITLE]), el("p", { class: "rule mono" }, r[RULE]),
      ...(reason ? block(st === 0 ? W.reason_lower : st === 3 ? W.reason_na : W.reason, el("p", { class: "miss" }, reason)) : []),
      ...(missing ? block(W.missing, el("ul", {}, ...missing.split("\n").map((m) => el("li", {}, el("code", {}, m))))) : []),
      ...(st < 2 ? block(W.fix, el("p", { class: "do" }, ...prose(full(i, "fix")))) : []),
      ...block(W.why, el("p", {}, ...prose(r[WHY]))),
      ...block(W.resource, el("dl", {}, ...term("ID", el("span", { class: "mono" }, D.id[i])), ...(arn ? term("ARN", el("span", { class: "mono" }, arn), copy) : []),
        ...term(W.kind, D.kinds[D.kind[i]]), ...term(W.account, D.accounts[account[i]]), ...term(W.region, place(D.regions[region[i]])))),
      ...(evidence ? block(W.evidence, el("pre", { tabindex: 0 }, pretty)) : []),
      ...(r[MAPS].length ? block(W.maps, el("div", { class: "tags" }, ...r[MAPS].map((m) => {
        const [f, id] = m.split(/\/(.*)/);
        return el("span", {}, `${frameworkTitle.get(f) || f} ${id || ""}`);
      }))) : []));
    drawer.hidden = false; drawer.scrollTop = 0;
    if (focus) drawer.focus();
    draw(true);
  }
  function choose(n, focus) {
    if (n < 0 || n >= size()) return;
    at = n;
    if (tab) { const r = groups[n].rule; tab = 0; facet.check.on = new Set([r]); drawHead(); toTop(); list.focus(); }
    else openDrawer(view[n], focus);
  }
  function reveal() {
    const k = scale(), top = at * ROW, sight = list.clientHeight, here = list.scrollTop * k;
    if (top < here) list.scrollTop = top / k; else if (top + ROW > here + sight) list.scrollTop = (top + ROW - sight) / k;
  }
  function move(by, open) {
    if (!size()) return;
    at = Math.max(0, Math.min(size() - 1, at + by));
    reveal();
    if (!tab && (open || !drawer.hidden)) openDrawer(view[at]); else draw(true);
  }

  // the top: facts, cards, what could not be seen
  function facts() {
    const m = D.meta, some = (list) => (list.length > 2 ? num(list.length) : list.join(", "));
    const taken = new Date(m.taken_at), rows = [[W.accounts, some(m.accounts), m.accounts], [W.regions, m.all_regions && m.regions.length > 2 ? `${num(m.regions.length)} (${W.all_regions})` : some(m.regions), m.regions],
      [W.taken_at, isNaN(taken) ? m.taken_at : taken.toISOString().slice(0, 16).replace("T", " ") + " UTC"], m.caller ? [W.caller, m.caller] : null, [W.version, m.tool]];
    $("facts").append(...rows.filter(Boolean).map(([name, value, all]) => el("div", { class: name === W.caller ? "long" : "", title: all ? all.join(", ") : value }, el("dt", {}, name), el("dd", {}, value))));
    $("sample").hidden = !m.demo;
  }
  const only = (name, ...values) => { start(); facet.status.on = new Set(name === "status" ? values : [0]); if (name !== "status") facet[name].on = new Set(values); query = $("q").value = ""; toTop(); };
  const grow = (e, n) => { e.style.flexGrow = n; return e; };
  const wide = (e, share) => { e.style.width = share * 100 + "%"; return e; };
  const CELLS = 6; // services that the card shows: three rows of two, as tall as the cards beside it
  function cards() {
    const byStatus = [0, 0, 0, 0], bySeverity = [0, 0, 0, 0, 0], byService = services.map(() => [0, 0, 0, 0, 0]);
    for (let i = 0; i < N; i++) {
      byStatus[status[i]]++;
      if (status[i] === 0) { bySeverity[severityOf[rule[i]]]++; byService[serviceOf[rule[i]]][severityOf[rule[i]]]++; }
    }
    const sum = (a) => a.reduce((x, y) => x + y, 0), most = Math.max(1, ...bySeverity);
    const worst = services.map((s, n) => [s, n, byService[n], sum(byService[n])]).filter((s) => s[3]).sort((a, b) => b[3] - a[3]);
    const topmost = worst.length ? worst[0][3] : 1, svc = el("div", { class: "svc" });
    const ofService = ([name, v, parts, n]) => el("button", { type: "button", title: name, onclick: () => only("service", v) },
      el("span", {}, name), wide(el("span", { class: "meter" }, ...parts.map((p, s) => p ? grow(el("i", { class: "s" + s }), p) : null)), n / topmost), el("span", {}, num(n)));
    const drawServices = (open) => {
      const folds = worst.length > CELLS, shown = folds && !open ? worst.slice(0, CELLS - 1) : worst;
      const label = open ? W.show_less : fill(W.more_services, { n: num(worst.length - shown.length) });
      const rest = folds && el("button", { type: "button", class: "rest", "aria-expanded": String(open), onclick: () => { drawServices(!open); svc.lastChild.focus(); } }, label);
      svc.replaceChildren(...shown.map(ofService), ...(rest ? [rest] : []));
    };
    drawServices(false);
    const card = (title, ...kids) => el("div", { class: "card" }, el("h2", {}, title), ...kids);
    $("cards").append(
      card(W.result, el("div", { class: "figures" }, ...byStatus.map((n, s) => el("button", { type: "button", onclick: () => only("status", s) }, el("b", { class: n ? "f" + s : "f3" }, num(n)), el("span", {}, D.statuses[s])))),
        el("div", { class: "meter", "aria-hidden": "true" }, ...byStatus.map((n, s) => n ? grow(el("i", { class: "f" + s }), n) : null))),
      card(W.failed_by_severity, el("div", { class: "sevs" }, ...bySeverity.map((n, s) => el("button", { type: "button", class: n ? "" : "zero", onclick: () => only("severity", s) },
        el("b", { class: n ? "s" + s : "" }, num(n)), el("span", {}, D.severities[s]), n ? wide(el("i", { class: "s" + s }), n / most) : null)))),
      card(W.failed_by_service, worst.length ? svc : el("p", {}, N ? W.nothing_failed : nothing)));
  }
  function unseen() {
    const box = $("unseen"), note = D.causes.find((c) => c.note), causes = D.causes.filter((c) => !c.note);
    const [summary, body] = box.children;
    if (!note && !causes.length) { box.classList.add(N ? "clear" : "empty"); summary.append(el("b", {}, N || D.meta.left_out ? W.all_seen : W.nothing_to_judge)); return; }
    summary.append(el("b", {}, W.unseen), el("span", {}, note ? note.note : ""));
    const reasons = [...new Set(causes.map((c) => c.reason))];
    for (const reason of reasons) {
      const some = causes.filter((c) => c.reason === reason);
      if (reason) body.append(el("h3", {}, reason), el("p", {}, ...prose(some[0].remedy)));
      body.append(el("table", {}, ...some.map((c) => el("tr", {}, el("td", {}, c.reason ? el("code", {}, c.what) : c.what), el("td", {}, c.blinds),
        el("td", {}, c.regions.map(place).join(", ")), el("td", {}, c.details.join(", "))))));
    }
  }

  // hands
  let waiting = 0;
  $("q").addEventListener("input", (e) => { query = e.target.value; clearTimeout(waiting); waiting = setTimeout(toTop, 60); });
  $("clear").addEventListener("click", () => { start(); query = $("q").value = ""; toTop(); });
  for (const n of [0, 1]) $("tab" + n).addEventListener("click", () => { tab = n; drawHead(); toTop(); });
  list.addEventListener("scroll", () => requestAnimationFrame(() => draw(false)), { passive: true });
  new ResizeObserver(() => draw(true)).observe(list);
  rows.addEventListener("click", (e) => { const row = e.target.closest(".row"); if (row) choose(Number(row.dataset.n)); });
  list.addEventListener("keydown", (e) => {
    const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (e.key in steps) { e.preventDefault(); move(steps[e.key]); }
    else if (e.key === "Enter" || e.key === " ") { e.preventDefault(); choose(Math.max(0, at), true); }
  });
  document.addEventListener("keydown", (e) => {
    const typing = /^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName) && document.activeElement.type === "search";
    if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey) { e.preventDefault(); $("q").focus(); $("q").select(); }
    else if (e.key === "Escape" && !drawer.hidden) closeDrawer(true);
    else if (e.key === "Escape" && typing && query) { query = $("q").value = ""; toTop(); }
  });

  document.documentElement.classList.add("js");
  $("app").hidden = false;
  facts(); cards(); unseen(); drawHead(); apply();
  performance.mark("ready");
})();
