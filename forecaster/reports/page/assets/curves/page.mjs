// The page of curves: fields in, sentences, chart and tables out.

const curves = data.curves.map(opened);
const opening = { ...data.question, names: curves.map((curve) => curve.name) };
const FIELDS = ["n", "target", "worth", "budget", "start", "level", ...TIERS.map((tier) => tier.id)];
const boxes = () => [...byId("names").querySelectorAll("input")];
const colourOf = (curve) => (curve.colour.name === "ink" ? style("--ink") : curve.colour.name);

function furnishCurves() {
  byId("n-label").textContent = `Training data (${units.size})`;
  curves.forEach((curve, i) => {
    const box = element("input", { type: "checkbox", id: `name-${i}`, value: curve.name });
    const swatch = element("span", { class: curve.colour.dashed ? "swatch dashed" : "swatch", "aria-hidden": "true" });
    swatch.style.color = curve.colour.name === "ink" ? "var(--ink)" : curve.colour.name;
    byId("names").append(element("label", { for: `name-${i}` }, box, swatch, curve.name));
  });
  byId("names").hidden = curves.length === 1;
}

// The question ---------------------------------------------------------------------------------------

sliding.n = { span: [data.smallest, data.horizon], exact: true, scale: 1, typed: sizeTyped, told: (n) => `${sizeText(n)} ${units.size}` };
sliding.target = { span: targetSpan(), exact: false, scale: one, typed: (v) => plain(one * v, 6), told: (v) => plainText(units, v) };

/** Targets that the slider reaches: from the lowest to the highest error that is likely anywhere. */
function targetSpan() {
  const firm = data.levels.indexOf(0.5);
  const logs = curves.flatMap((curve) => [...curve.error[firm]]);
  return [0.5 * Math.exp(Math.min(...logs)), Math.exp(Math.max(...logs))];
}

/** Put a question into the fields. */
function fill(question) {
  setField("n", question.n);
  setField("target", question.target);
  fillPrices(question);
  for (const box of boxes()) box.checked = question.names.includes(box.value);
}

/** The question that the fields ask; null where one of them cannot be read, which is then said beside it. */
function asked() {
  const n = number("n", (v) => v >= 0.999999 * data.smallest && v <= 1.000001 * data.horizon, () =>
    `a size from ${sizeText(data.smallest)} to ${sizeText(data.horizon)}, such as 7,200 or 1.5M`);
  const target = number("target", (v) => v > 0, () => `an error above 0, such as ${plain(one * opening.target, 4)}`) / one;
  const rest = askedPrices();
  if (rest === null || [n, target].some(Number.isNaN)) return null;
  return { n, target, ...rest, names: boxes().filter((box) => box.checked).map((box) => box.value) };
}

/** What the address says into the fields. */
function recall() {
  const given = remembered(FIELDS);
  if (!given.has("names")) return;
  for (const box of boxes()) box.checked = given.getAll("names").includes(box.value);
}

// Answers --------------------------------------------------------------------------------------------

const priced = (question) => question.tiers.some(([, price]) => price > 0) || prices.fixed > 0 || data.curves.some((c) => c.hour_price > 0);

function tell(question, rows) {
  const row = rows[0];
  const [middle, range] = intervalText(units, row);
  const goal = plainText(units, question.target);
  const whom = curves.length > 1 ? `${row.architecture} on ` : "";
  const error = units.phrase.replace("{}", () => middle);
  const first = `${whom}${sizeText(question.n)} ${units.size}: ${error} (${range}). The chance of ${goal} or less is ${chanceText(row.p_target)}.`;
  said(first, [taken(question, row), weighing(question, rows)], [needed(row, goal)]);
}

/** The option that costs least with what its error costs, beside doing nothing. */
function weighing(question, rows) {
  if (!weighs) return "";
  const least = (key) => rows.reduce((best, row) => (row[key] < best[key] ? row : best));
  const [mine, none] = [least("all_in"), least("idle")];
  const [one, other] = [mine.all_in, none.idle].map((v) => moneyText(rounded(v, 3), currency));
  const whom = (row) => (curves.length > 1 ? ` (${row.architecture})` : "");
  return `What errors cost counted in, ${sizeText(question.n)} cost ${one} on average${whom(mine)}; doing nothing costs ${other}${whom(none)}.`;
}

/** What a size takes, in sentences. */
function taken(question, row) {
  if (!(row.buy > 0 || row.cost > 0)) return "Nothing is to be bought or trained for it.";
  let text = row.buy > 0 ? `That is ${sizeText(row.buy)} more than the ${sizeText(prices.owned)} there are` : "No data is to be bought";
  if (priced(question)) text += `${row.buy > 0 ? ", for" : "; training costs"} ${moneyText(row.cost, currency)}`;
  if (question.budget !== null) text += row.affordable ? ", within the budget" : `, ${moneyText(row.cost - question.budget, currency)} above the budget`;
  return row.date === null ? `${text}.` : `${text}. ${readyText(row, question, "ordered")}`;
}

/** What the target takes, in a sentence. */
function needed(row, goal) {
  const [even, likely] = row.needs;
  if (!Number.isFinite(even.n)) return `More likely than not, no amount up to ${sizeText(data.horizon)} is enough for ${goal}.`;
  return `For ${goal} the chances are even with ${sizeText(rounded(even.n))}, and 3 in 4 with ${Number.isFinite(likely.n) ? sizeText(rounded(likely.n)) : "no amount within reach"}.`;
}

function tables(question, rows) {
  const money = priced(question);
  const goal = plainText(units, question.target);
  const range = `Range, ${timesIn(question.level)}`;
  byId("at-head").textContent = `With ${sizeText(question.n)} ${units.size}`;
  tabulate("at", ["Architecture", `Error (${timesIn(question.level)})`, `Chance of ${goal}`, "To buy", ...(money ? [`Cost${ofMoney}`] : []), ...(prices.timed ? ["Ready"] : []), ...(weighs ? [`All in${ofMoney}`, "Doing nothing"] : [])],
    rows.map((row) => [row.architecture, rangedCell(row), shown(row.p_target, chanceText(row.p_target)), shown(row.buy, row.buy > 0 ? sizeText(row.buy) : "nothing"),
      ...(money ? [costCell(row)] : []), ...(prices.timed ? [readyCell(row)] : []), ...(weighs ? [allInCell(row.all_in), allInCell(row.idle)] : [])]));
  byId("at-note").textContent = weighs ? "All in: the cost and what the error costs, on average. Doing nothing: what the error costs of the architecture as it was measured last." : "";
  needsTable(rows, goal, money);
  const limits = limitsText(question);
  byId("within-section").hidden = !limits;
  if (!limits) return;
  byId("within-head").textContent = limits;
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

function needCell(need, money) {
  if (!Number.isFinite(need.n)) return shown(need.n, "out of reach");
  const cell = element("span", {}, shown(need.n, sizeText(rounded(need.n, 3))));
  if (money && need.buy > 0) cell.append(element("span", { class: "muted" }, " · ", shown(need.cost, moneyText(rounded(need.cost, 3), currency))));
  return cell;
}

// The chart ------------------------------------------------------------------------------------------

const FAR = 100; // times the largest measured size that the chart shows
const FINE = 160; // points of a curve in the chart
let drawn = null; // what the chart shows: the question and its rows

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
  const { chosen, leader, ...found } = chartData(question, rows);
  const series = chosen.flatMap((curve) => [line(colourOf(curve), curve === leader, curve.colour.dashed), dots(colourOf(curve), curve === leader)]);
  plotted({ ...found, series, band: colourOf(leader), label: `Training data (${units.size})`, sized: (v) => sizeText(v, true), at: question.n, target: question.target });
  const [middle, range] = intervalText(units, rows[0]);
  byId("chart").setAttribute("aria-label", `Chart: error against training data. ${rows[0].architecture} at ${sizeText(question.n)} ${units.size}: ${middle}, range ${range}. The tables below have the numbers.`);
  byId("caption").textContent = `${units.error[0].toUpperCase()}${units.error.slice(1)} by training data, on logarithmic axes. Points: measured. Lines: forecast${chosen.length > 1 ? ` by architecture, the lowest at ${sizeText(question.n)} in bold` : ""}; band: range of ${rows[0].architecture} (${timesIn(question.level)}). Dashed: the target, and the size that is asked about.`;
}

// All together ---------------------------------------------------------------------------------------

let waiting = 0;

/** Read the fields and answer: chart and tables at once, the sentences once nothing has changed for a moment. */
function update(quiet = QUIET) {
  clearTimeout(waiting);
  const question = asked();
  const chosen = question === null ? [] : curves.filter((curve) => question.names.includes(curve.name));
  byId("results").hidden = !chosen.length;
  if (!chosen.length) {
    said(question === null ? "A field cannot be read: see what stands beside it." : "Choose an architecture.");
    return;
  }
  const rows = answered(data, chosen, question);
  tables(question, rows);
  draw(question, rows);
  remember(FIELDS, { names: question.names });
  if (quiet > 0) waiting = setTimeout(tell, quiet, question, rows);
  else tell(question, rows);
}

function listen() {
  listenSliders();
  byId("question").addEventListener("input", () => update());
  byId("question").addEventListener("submit", (event) => event.preventDefault());
  byId("question").addEventListener("reset", (event) => {
    event.preventDefault();
    fill(opening);
    update(0);
  });
  addEventListener("hashchange", () => {
    recall();
    start();
  });
  follow(() => drawn && draw(drawn.question, drawn.rows));
}

/** Sliders follow the fields. */
function start() {
  moveSliders();
  update(0);
}

const READING = `The range holds the error as often as it says; the chance is that of reaching the target by that size. Numbers come from grids
of quantiles of the forecast, from ${sizeText(data.smallest)} to ${sizeText(data.horizon)} ${units.size}. They are what the command line says: errors within about
1 %, chances within 1 point, the data that a target needs within about 3 %, or more where a curve is flat. Costs are those of buying what is missing beyond the ${sizeText(prices.owned)} there are, and of one training. Nothing leaves this page.`;
byId("reading").textContent = READING;
furnish();
furnishCurves();
fill(opening);
recall();
listen();
start();
