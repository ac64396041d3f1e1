// The page: fields in, sentences, chart and tables out. What it answers is computed in answers.mjs, which stands above.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const curves = data.curves.map(opened);
const { units, prices } = data;
const { currency } = prices;
const opening = { ...data.question, names: curves.map((curve) => curve.name) };
const TIERS = opening.tiers.map(([upTo, price], k) => ({ id: `price-${k + 1}`, upTo, price }));
const SLIDER = 1000;
const QUIET = 250; // milliseconds without a change, after which the answer is told
const inMoney = currency ? ` (${currency})` : "";
const one = units.percent ? 100 : 1; // what is typed over what is computed

// Elements -------------------------------------------------------------------------------------------

/** An element with attributes and children; text is never read as markup. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const colourOf = (curve) => (curve.colour.name === "ink" ? style("--ink") : curve.colour.name);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const tierLabel = (k) => {
  const below = k === 0 ? 0 : TIERS[k - 1].upTo;
  if (TIERS.length === 1) return `Price per item${inMoney}`;
  if (k === TIERS.length - 1) return `Price of each item beyond ${sizeText(below)} bought${inMoney}`;
  return `Price of each of the ${k === 0 ? "first" : "next"} ${sizeText(TIERS[k].upTo - below)} items${inMoney}`;
};

function furnish() {
  byId("n-label").textContent = `Training data (${units.size})`;
  byId("target-label").textContent = `Target: ${units.error}${units.percent ? " (%)" : units.unit ? ` (${units.unit})` : ""}`;
  byId("budget-label").textContent = `Budget${inMoney}`;
  byId("start-field").hidden = !prices.timed;
  TIERS.forEach(({ id }, k) => {
    const input = element("input", { id, type: "text", inputmode: "decimal", "aria-describedby": `${id}-wrong` });
    const wrong = element("p", { class: "wrong", id: `${id}-wrong` });
    byId("tiers").append(element("div", { class: "field" }, element("label", { for: id, text: tierLabel(k) }), input, wrong));
  });
  for (const level of data.intervals) {
    byId("level").append(element("option", { value: level, text: timesIn(level) }));
  }
  curves.forEach((curve, i) => {
    const box = element("input", { type: "checkbox", id: `name-${i}`, value: curve.name });
    const swatch = element("span", { class: curve.colour.dashed ? "swatch dashed" : "swatch", "aria-hidden": "true" });
    swatch.style.color = curve.colour.name === "ink" ? "var(--ink)" : curve.colour.name;
    byId("names").append(element("label", { for: `name-${i}` }, box, swatch, curve.name));
  });
  byId("names").hidden = curves.length === 1;
}

// The question ---------------------------------------------------------------------------------------

const spans = {
  n: [data.smallest, data.horizon],
  target: targetSpan(),
};

/** Targets that the slider reaches: from the lowest to the highest error that is likely anywhere. */
function targetSpan() {
  const firm = data.levels.indexOf(0.5);
  const logs = curves.flatMap((curve) => [...curve.error[firm]]);
  return [0.5 * Math.exp(Math.min(...logs)), Math.exp(Math.max(...logs))];
}

const share = (id, value) => Math.log(value / spans[id][0]) / Math.log(spans[id][1] / spans[id][0]);
const atShare = (id, part) => spans[id][0] * (spans[id][1] / spans[id][0]) ** part;
const plain = (value, digits) => rounded(value, digits).toLocaleString("en-US", { maximumSignificantDigits: digits });
const sizeTyped = (n) => (n >= 1e15 ? rounded(n, 12).toExponential().replace("e+", "e") : n >= 1e7 ? compact(n) : plain(n, 12));
const compact = (n) => (rounded(n, 3) === n ? sizeText(n, true) : plain(n, 12));

/** Put a question into the fields. */
function fill(question) {
  setField("n", question.n);
  setField("target", question.target);
  TIERS.forEach(({ id }, k) => (byId(id).value = plain(question.tiers[k][1], 12)));
  byId("budget").value = question.budget === null ? "" : plain(question.budget, 12);
  byId("start").value = question.start;
  byId("level").value = question.level;
  for (const box of byId("names").querySelectorAll("input")) box.checked = question.names.includes(box.value);
}

function setField(id, value) {
  byId(id).value = id === "n" ? sizeTyped(value) : plain(one * value, 6);
  setSlider(id, value);
}

function setSlider(id, value) {
  const slider = byId(`${id}-slider`);
  slider.value = Math.round(SLIDER * Math.min(Math.max(share(id, value), 0), 1));
  slider.setAttribute("aria-valuetext", id === "n" ? `${sizeText(value)} ${units.size}` : plainText(units, value));
}

/** The question that the fields ask; null where one of them cannot be read, which is then said beside it. */
function asked() {
  const n = number("n", (v) => v >= 0.999999 * data.smallest && v <= 1.000001 * data.horizon, () =>
    `a size from ${sizeText(data.smallest)} to ${sizeText(data.horizon)}, such as 7,200 or 1.5M`);
  const target = number("target", (v) => v > 0, () => `an error above 0, such as ${plain(one * opening.target, 4)}`) / one;
  const tiers = TIERS.map(({ id, upTo }) => [upTo, number(id, (v) => v >= 0, () => "a price from 0 up, such as 0.50")]);
  const open = byId("budget").value.trim() === "";
  const budget = open ? clear("budget") : number("budget", (v) => v >= 0, () => "an amount from 0 up, or nothing");
  const start = byId("start").value || (prices.timed ? wrong("start", "found no day; expected one, such as 2027-01-04") : opening.start);
  if (byId("start").value) clear("start");
  const names = [...byId("names").querySelectorAll("input:checked")].map((box) => box.value);
  const numbers = [n, target, ...tiers.map(([, price]) => price), budget ?? 0];
  if (numbers.some(Number.isNaN) || typeof start !== "string") return null;
  return { n, target, tiers, budget, start, level: Number(byId("level").value), names };
}

function number(id, fits, expected) {
  const value = parsed(byId(id).value);
  if (!Number.isNaN(value) && fits(value)) {
    clear(id);
    return value;
  }
  return wrong(id, `found “${byId(id).value.trim()}”; expected ${expected()}`);
}

function wrong(id, text) {
  byId(id).setAttribute("aria-invalid", "true");
  byId(`${id}-wrong`).textContent = text;
  return NaN;
}

function clear(id) {
  byId(id).removeAttribute("aria-invalid");
  byId(`${id}-wrong`).textContent = "";
  return null;
}

// The address of the page keeps the question, so that it can be opened again ---------------------------

function remembered() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const id of ["n", "target", "budget", "start", "level", ...TIERS.map((tier) => tier.id)]) {
    if (given.has(id)) byId(id).value = given.get(id);
  }
  if (given.has("names")) {
    const names = given.getAll("names");
    for (const box of byId("names").querySelectorAll("input")) box.checked = names.includes(box.value);
  }
}

function remember(question) {
  const kept = new URLSearchParams();
  for (const id of ["n", "target", "budget", "start", "level", ...TIERS.map((tier) => tier.id)]) kept.set(id, byId(id).value);
  for (const name of question.names) kept.append("names", name);
  try {
    history.replaceState(null, "", `#${kept}`);
  } catch {
    // a preview of a mail has no address of its own
  }
}

// Answers --------------------------------------------------------------------------------------------

const priced = (question) => question.tiers.some(([, price]) => price > 0) || prices.fixed > 0 || data.curves.some((c) => c.hour_price > 0);
const paid = (amount) => (amount === Infinity ? "–" : moneyText(amount, currency));

/** A number as shown, with the number itself for programs that read the page. */
const shown = (value, text) => element("data", { value: Number.isFinite(value) ? value : String(value), text });

/** What is the matter with a number, below it; nothing where nothing is. */
const remark = (text) => (text ? element("span", { class: "muted remark", text }) : "");

/** The sentences of the answer, the first one bold. */
function sentences(question, rows) {
  const row = rows[0];
  const [middle, range] = intervalText(units, row);
  const goal = plainText(units, question.target);
  const whom = curves.length > 1 ? `${row.architecture} on ` : "";
  const error = units.phrase.replace("{}", () => middle);
  const first = `${whom}${sizeText(question.n)} ${units.size}: ${error} (${range}). The chance of ${goal} or less is ${chanceText(row.p_target)}.`;
  const told = [];
  if (row.buy > 0 || row.cost > 0) {
    let text = row.buy > 0 ? `That is ${sizeText(row.buy)} more than the ${sizeText(prices.owned)} there are` : "No data is to be bought";
    if (priced(question)) text += `${row.buy > 0 ? ", for" : "; training costs"} ${moneyText(row.cost, currency)}`;
    if (question.budget !== null) text += row.affordable ? ", within the budget" : `, ${moneyText(row.cost - question.budget, currency)} above the budget`;
    told.push(`${text}.`);
    if (row.date !== null) told.push(readyText(row, question));
  } else told.push("Nothing is to be bought or trained for it.");
  const [even, likely] = row.needs;
  if (!Number.isFinite(even.n)) told.push(`More likely than not, no amount up to ${sizeText(data.horizon)} is enough for ${goal}.`);
  else {
    told.push(`For ${goal} the chances are even with ${sizeText(rounded(even.n))}, and 3 in 4 with ${Number.isFinite(likely.n) ? sizeText(rounded(likely.n)) : "no amount within reach"}.`);
  }
  return [first, told.join(" ")];
}

function readyText(row, question) {
  if (row.date === "never") return "It would not be ready in any time that a calendar has.";
  const late = row.late ? `, after the deadline of ${dayText(prices.deadline)}` : "";
  return `The model is ready on ${dayText(row.date)}${late}, if ordered on ${dayText(question.start)}.`;
}

function tell(question, rows) {
  const [first, second] = sentences(question, rows);
  byId("answer").replaceChildren(element("p", { class: "said", text: first }), element("p", { text: second }));
}

/** A table of rows [name, cells], each cell an element or a text. Roles are told since a telephone shows it as a list. */
function tabulate(id, heads, rows) {
  const others = heads.slice(1);
  const column = (text, i) => element("th", { scope: "col", role: "columnheader", class: i > 0 && "n", text });
  const body = rows.map(([name, ...cells], k) => {
    const leads = k === 0 && rows.length > 1;
    const shownAs = cells.map((cell, i) => element("td", { class: "n", role: "cell", "data-head": others[i] }, cell));
    return element("tr", { class: leads && "first", role: "row", "data-name": name }, element("th", { scope: "row", role: "rowheader", text: name }), ...shownAs);
  });
  const head = element("tr", { role: "row" }, ...heads.map(column));
  byId(id).replaceChildren(element("thead", { role: "rowgroup" }, head), element("tbody", { role: "rowgroup" }, ...body));
}

function tables(question, rows) {
  const money = priced(question);
  const goal = plainText(units, question.target);
  const range = `Range, ${timesIn(question.level)}`;
  byId("at-head").textContent = `With ${sizeText(question.n)} ${units.size}`;
  tabulate("at", ["Architecture", "Error", range, `Chance of ${goal}`, "To buy", ...(money ? ["Cost"] : []), ...(prices.timed ? ["Ready"] : [])],
    rows.map((row) => [row.architecture, ...errorCells(row), shown(row.buy, row.buy > 0 ? sizeText(row.buy) : "nothing"),
      ...(money ? [element("span", {}, shown(row.cost, paid(row.cost)), remark(!row.affordable && "above budget"))] : []),
      ...(prices.timed ? [element("span", {}, element("time", row.date === "never" ? { text: "never" } : { datetime: row.date, text: row.date }), remark(row.late && "too late"))] : [])]));
  needsTable(rows, goal, money);
  const limited = question.budget !== null || prices.deadline !== null;
  byId("within-section").hidden = !limited;
  if (!limited) return;
  const limits = [question.budget === null ? "" : moneyText(question.budget, currency), prices.deadline === null ? "" : `the time until ${dayText(prices.deadline)}`];
  byId("within-head").textContent = `The most that ${limits.filter(Boolean).join(" and ")} allow${limits.filter(Boolean).length > 1 ? "" : "s"}`;
  const best = [...rows].sort((a, b) => (a.within?.yhat ?? Infinity) - (b.within?.yhat ?? Infinity));
  tabulate("within", ["Architecture", "Training data", "Error", range, `Chance of ${goal}`],
    best.map((row) => [row.architecture, ...(row.within === null ? ["nothing", "–", "–", "–"] : [shown(row.within.n, sizeText(Math.floor(row.within.n + 1e-6))), ...errorCells(row.within)])]));
}

/** The data that the target needs, the least first; in a line below, the architectures that may not reach it. */
function needsTable(rows, goal, money) {
  const reach = rows.filter((row) => Number.isFinite(row.needs[0].n)).sort((a, b) => a.needs[0].n - b.needs[0].n);
  const lost = rows.filter((row) => !reach.includes(row)).map((row) => row.architecture);
  byId("needs-head").textContent = `Data for ${goal}`;
  byId("needs").hidden = reach.length === 0;
  tabulate("needs", ["Architecture", "even odds", "3 chances in 4", "19 in 20"],
    reach.map((row) => [row.architecture, ...row.needs.map((need) => needCell(need, money))]));
  byId("needs-note").textContent = lost.length ? `More likely than not out of reach with any amount up to ${sizeText(data.horizon)}: ${lost.join(", ")}.` : "";
}

function errorCells(row) {
  const [middle, range] = intervalText(units, row);
  return [shown(row.yhat, middle), element("span", { "data-low": row.yhat_lower, "data-high": row.yhat_upper, text: range }), shown(row.p_target, chanceText(row.p_target))];
}

function needCell(need, money) {
  if (!Number.isFinite(need.n)) return shown(need.n, "out of reach");
  const cell = element("span", {}, shown(need.n, sizeText(rounded(need.n, 3))));
  if (money && need.buy > 0) cell.append(element("span", { class: "muted" }, " · ", shown(need.cost, moneyText(rounded(need.cost, 3), currency))));
  return cell;
}

// The chart ------------------------------------------------------------------------------------------

const FAR = 100; // times the largest measured size that the chart shows
const FINE = 160; // points of a curve in the chart
let chart = null;
let drawn = null; // what the chart shows: the question and its rows

function steps(low, high, marks) {
  const found = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k++) {
    for (const mark of marks) {
      const v = Number(`${mark}e${k}`);
      if (v >= low * 0.9999 && v <= high * 1.0001) found.push(v);
    }
  }
  return found;
}

/** Ticks of a logarithmic axis, as many as there is room for. */
function ticks(low, high, most) {
  const decades = Math.log10(high / low);
  const choices = [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1, 3], [1]];
  if (decades < 0.35) {
    const step = [1, 2, 5].flatMap((m) => [-12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => Number(`${m}e${k}`))).sort((a, b) => a - b).find((s) => (high - low) / s <= most);
    return Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, i) => rounded((Math.ceil(low / step) + i) * step, 6));
  }
  const every = choices.map((marks) => steps(low, high, marks));
  const found = every.find((some) => some.length <= most) ?? every.at(-1);
  const skip = Math.ceil(found.length / most);
  return found.filter((_, i) => i % skip === 0);
}

function chartData(question, rows) {
  const until = Math.min(Math.max(FAR * data.largest, 1.25 * question.n), data.horizon);
  const chosen = curves.filter((curve) => question.names.includes(curve.name));
  const measured = new Map(chosen.map((curve) => [curve, new Map(curve.points[0].map((n, i) => [n, curve.points[1][i]]))]));
  const regular = Array.from({ length: FINE }, (_, i) => data.smallest * (until / data.smallest) ** (i / (FINE - 1)));
  const x = [...new Set([...regular, ...chosen.flatMap((curve) => curve.points[0])])].sort((a, b) => a - b);
  const leader = chosen.find((curve) => curve.name === rows[0].architecture);
  const lines = chosen.map((curve) => x.map((n) => errorAt(data, curve, n, question.level)));
  const own = lines[chosen.indexOf(leader)];
  const columns = [x, own.map((row) => row.yhat_upper), own.map((row) => row.yhat_lower)];
  chosen.forEach((curve, i) => columns.push(lines[i].map((row) => row.yhat), x.map((n) => measured.get(curve).get(n) ?? null)));
  const values = columns.slice(1).flat().filter((v) => v !== null);
  return { columns, chosen, leader, x: [data.smallest / 1.05, until], y: [Math.min(...values) / 1.08, Math.max(...values) * 1.08] };
}

function draw(question, rows) {
  drawn = { question, rows };
  const found = chartData(question, rows);
  const holder = byId("chart");
  const width = holder.clientWidth;
  const height = holder.clientHeight;
  const [ink, muted, line] = [style("--ink"), style("--muted"), style("--line")];
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const series = [{}, { show: true, width: 0, points: { show: false } }, { show: true, width: 0, points: { show: false } }];
  for (const curve of found.chosen) {
    const stroke = colourOf(curve);
    const bold = curve === found.leader;
    series.push({ stroke, width: bold ? 3 : 1.5, dash: curve.colour.dashed ? [6, 4] : [], points: { show: false } });
    series.push({ stroke, width: 0, points: { show: true, size: bold ? 8 : 6, fill: stroke, stroke: style("--ground"), width: 1 }, paths: () => null });
  }
  const axis = { stroke: ink, font, labelFont: font, labelSize: 20, labelGap: 0, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 5 }, filter: (_, splits) => splits };
  chart?.destroy();
  chart = new uPlot({
    width, height, series,
    legend: { show: false },
    cursor: { show: false },
    padding: [12, 14, 0, 4],
    bands: [{ series: [1, 2], fill: `${rgba(colourOf(found.leader), 0.18)}` }],
    scales: { x: { time: false, distr: 3, range: () => found.x }, y: { distr: 3, range: () => found.y } },
    axes: [
      { ...axis, size: 34, label: `Training data (${units.size})`, splits: (u, i, low, high) => ticks(low, high, Math.max(Math.floor(width / 80), 3)), values: (_, splits) => splits.map((v) => sizeText(v, true)) },
      { ...axis, size: 58, splits: (u, i, low, high) => ticks(low, high, Math.floor(height / 38)), values: (_, splits) => splits.map((v) => plainText(units, v).replace(units.unit, "").trim()) },
    ],
    hooks: { draw: [(u) => marked(u, question, muted, ink, font)] },
  }, found.columns, holder);
  const [middle, range] = intervalText(units, rows[0]);
  holder.setAttribute("aria-label", `Chart: error against training data. ${rows[0].architecture} at ${sizeText(question.n)} ${units.size}: ${middle}, range ${range}. The tables below have the numbers.`);
  byId("caption").textContent = `${units.error[0].toUpperCase()}${units.error.slice(1)} by training data, on logarithmic axes. Points: measured. Lines: forecast${found.chosen.length > 1 ? ` by architecture, the lowest at ${sizeText(question.n)} in bold` : ""}; band: range of ${rows[0].architecture} (${timesIn(question.level)}). Dashed: the target, and the size that is asked about.`;
}

const rgba = (hex, alpha) => `rgba(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(", ")}, ${alpha})`;

/** The target and the size asked about, over the curves. */
function marked(u, question, muted, ink, font) {
  const { ctx, bbox } = u;
  const scale = devicePixelRatio;
  const x = u.valToPos(question.n, "x", true);
  const y = u.valToPos(question.target, "y", true);
  ctx.save();
  ctx.strokeStyle = muted;
  ctx.lineWidth = 1.5 * scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  const inside = y >= bbox.top && y <= bbox.top + bbox.height;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  if (inside) {
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
  }
  ctx.stroke();
  ctx.fillStyle = ink;
  ctx.font = font.replace("12px", `${12 * scale}px`);
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  if (inside) ctx.fillText(`target ${plainText(units, question.target)}`, bbox.left + 6 * scale, y - 4 * scale);
  ctx.restore();
}

// All together ---------------------------------------------------------------------------------------

let waiting = 0;

/** Read the fields and answer: chart and tables at once, the sentences once nothing has changed for a moment. */
function update(quiet = QUIET) {
  clearTimeout(waiting);
  const question = asked();
  const chosen = question === null ? [] : curves.filter((curve) => question.names.includes(curve.name));
  const ready = chosen.length > 0;
  byId("results").hidden = !ready;
  if (!ready) {
    const text = question === null ? "A field cannot be read: see what stands beside it." : "Choose an architecture.";
    byId("answer").replaceChildren(element("p", { class: "said", text }));
    return;
  }
  const rows = answered(data, chosen, question);
  tables(question, rows);
  draw(question, rows);
  remember(question);
  if (quiet > 0) waiting = setTimeout(tell, quiet, question, rows);
  else tell(question, rows);
}

function listen() {
  for (const id of ["n", "target"]) {
    byId(`${id}-slider`).addEventListener("input", (event) => {
      const part = Number(event.target.value) / SLIDER;
      setField(id, rounded(atShare(id, part), 3));
      if (part === 0 || part === 1) setField(id, id === "n" ? spans.n[part] : rounded(spans[id][part], 3));
      event.target.value = Math.round(part * SLIDER);
    });
    byId(id).addEventListener("input", () => {
      const value = parsed(byId(id).value) / (id === "n" ? 1 : one);
      if (value > 0) setSlider(id, value);
    });
  }
  byId("question").addEventListener("input", () => update());
  byId("question").addEventListener("submit", (event) => event.preventDefault());
  byId("question").addEventListener("reset", (event) => {
    event.preventDefault();
    fill(opening);
    update(0);
  });
  addEventListener("hashchange", () => {
    remembered();
    start();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn && draw(drawn.question, drawn.rows));
  new ResizeObserver(() => chart?.setSize({ width: byId("chart").clientWidth, height: byId("chart").clientHeight })).observe(byId("chart"));
}

/** Sliders follow the fields. */
function start() {
  for (const id of ["n", "target"]) {
    const value = parsed(byId(id).value) / (id === "n" ? 1 : one);
    if (value > 0) setSlider(id, value);
  }
  update(0);
}

const READING = `The range holds the error as often as it says; the chance is that of reaching the target by that size. Numbers come from grids
of quantiles of the forecast, from ${sizeText(data.smallest)} to ${sizeText(data.horizon)} ${units.size}. They are what the command line says: errors within about
1 %, chances within 1 point, the data that a target needs within about 3 %, or more where a curve is flat. Costs are those of buying what is missing beyond the ${sizeText(prices.owned)} there are, and of one training. Nothing leaves this page.`;
byId("reading").textContent = READING;
furnish();
fill(opening);
remembered();
listen();
start();
