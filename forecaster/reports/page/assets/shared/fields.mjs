// Fields, tables and the address of a page, which curves and surfaces share. What a page answers stands above.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const { units, prices } = data;
const { currency } = prices;
const TIERS = data.question.tiers.map(([upTo, price], k) => ({ id: `price-${k + 1}`, upTo, price }));
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

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A number as shown, with the number itself for programs that read the page. */
const shown = (value, text) => element("data", { value: Number.isFinite(value) ? value : String(value), text });

/** What is the matter with a number, below it; nothing where nothing is. */
const remark = (text) => (text ? element("span", { class: "muted remark", text }) : "");

/** A table of rows [name, cells], each cell an element or a text. Roles are told since a telephone shows it as a list. */
function tabulate(id, heads, rows, leading = rows.length > 1) {
  const others = heads.slice(1);
  const column = (text, i) => element("th", { scope: "col", role: "columnheader", class: i > 0 && "n", text });
  const body = rows.map(([name, ...cells], k) => {
    const leads = k === 0 && leading;
    const shownAs = cells.map((cell, i) => element("td", { class: "n", role: "cell", "data-head": others[i] }, cell));
    return element("tr", { class: leads && "first", role: "row", "data-name": name }, element("th", { scope: "row", role: "rowheader", text: name }), ...shownAs);
  });
  const head = element("tr", { role: "row" }, ...heads.map(column));
  byId(id).replaceChildren(element("thead", { role: "rowgroup" }, head), element("tbody", { role: "rowgroup" }, ...body));
}

/** Cells of a row's error: its median, its range, the chance of the target. */
function errorCells(row) {
  const [middle, range] = intervalText(units, row);
  return [shown(row.yhat, middle), element("span", { "data-low": row.yhat_lower, "data-high": row.yhat_upper, text: range }), shown(row.p_target, chanceText(row.p_target))];
}

/** An error, and below it its range. */
function rangedCell(row) {
  const [error, range] = errorCells(row);
  range.classList.add("muted", "remark");
  return element("span", {}, error, range);
}

/** Money in a column whose head names the currency. */
const unpriced = (amount) => (amount === Infinity ? "–" : amount >= 1e7 ? sizeText(amount, true) : moneyText(amount, ""));
const ofMoney = currency ? `, ${currency}` : "";
/** The cell of a cost, of what is paid all in, and of the day on which a row is ready. */
const costCell = (row) => element("span", {}, shown(row.cost, unpriced(row.cost)), remark(!row.affordable && "above budget"));
const allInCell = (amount) => shown(amount, unpriced(rounded(amount, 3)));
const readyCell = (row) => element("span", {}, element("time", row.date === "never" ? { text: "never" } : { datetime: row.date, text: row.date }), remark(row.late && "too late"));

/** The sentences of the answer, the first one bold; those that a telephone leaves to the tables come last. */
function said(first, then = [], last = []) {
  const text = (sentences) => sentences.filter(Boolean).join(" ");
  const more = then.length ? [element("p", {}, text(then), element("span", { class: "more", text: ` ${text(last)}` }))] : [];
  byId("answer").replaceChildren(element("p", { class: "said", text: first }), ...more);
}

/** The day on which something is ready, in a sentence. */
function readyText(row, question, how) {
  if (row.date === "never") return "It would not be ready in any time that a calendar has.";
  const late = row.late ? `, after the deadline of ${dayText(prices.deadline)}` : "";
  return `The model is ready on ${dayText(row.date)}${late}, if ${how} on ${dayText(question.start)}.`;
}

/** What money and days allow, for the head of a table; "" without limits. */
function limitsText(question) {
  const limits = [question.budget === null ? "" : moneyText(question.budget, currency), prices.deadline === null ? "" : `the time until ${dayText(prices.deadline)}`].filter(Boolean);
  return limits.length ? `The most that ${limits.join(" and ")} allow${limits.length > 1 ? "" : "s"}` : "";
}

// Fields ---------------------------------------------------------------------------------------------

const plain = (value, digits) => rounded(value, digits).toLocaleString("en-US", { maximumSignificantDigits: digits });
const compact = (n) => (rounded(n, 3) === n ? sizeText(n, true) : plain(n, 12));
const sizeTyped = (n) => (n >= 1e15 ? rounded(n, 12).toExponential().replace("e+", "e") : n >= 1e7 ? compact(n) : plain(n, 12));
const sparing = (value) => (value !== 0 && (Math.abs(value) >= 1e9 || Math.abs(value) < 1e-3) ? rounded(value, 12).toExponential().replace("e+", "e") : plain(value, 12));

const tierLabel = (k) => {
  const below = k === 0 ? 0 : TIERS[k - 1].upTo;
  if (TIERS.length === 1) return `Price per item${inMoney}`;
  if (k === TIERS.length - 1) return `Price of each item beyond ${sizeText(below)} bought${inMoney}`;
  return `Price of each of the ${k === 0 ? "first" : "next"} ${sizeText(TIERS[k].upTo - below)} items${inMoney}`;
};

/** What an error costs, by the form that the memo was asked with. */
const WORTH = { penalty: "Penalty", points: `Value of a${units.percent ? " percentage" : ""} point of ${units.percent ? "error" : "loss"}`, mistakes: "Cost of a mistake" };
const weighs = data.value.form !== "none";

/** Fields that depend on the price list, and the levels that may be chosen. */
function furnish() {
  byId("target-label").textContent = `Target: ${units.error}${units.percent ? " (%)" : units.unit ? ` (${units.unit})` : ""}`;
  byId("budget-label").textContent = `Budget${inMoney}`;
  byId("start-field").hidden = !prices.timed;
  byId("worth-field").hidden = !weighs;
  if (weighs) byId("worth-label").textContent = `${WORTH[data.value.form]}${inMoney}`;
  TIERS.forEach(({ id }, k) => {
    const input = element("input", { id, type: "text", inputmode: "decimal", "aria-describedby": `${id}-wrong` });
    const wrong = element("p", { class: "wrong", id: `${id}-wrong` });
    byId("tiers").append(element("div", { class: TIERS.length > 1 ? "field whole" : "field" }, element("label", { for: id, text: tierLabel(k) }), input, wrong));
  });
  for (const level of data.intervals) {
    byId("level").append(element("option", { value: level, text: timesIn(level) }));
  }
}

/** Put prices, budget, day, and level into the fields. */
function fillPrices(question) {
  byId("worth").value = plain(question.worth, 12);
  TIERS.forEach(({ id }, k) => (byId(id).value = sparing(question.tiers[k][1])));
  byId("budget").value = question.budget === null ? "" : plain(question.budget, 12);
  byId("start").value = question.start;
  byId("level").value = question.level;
}

/** The same read again; null where one of them cannot be read. */
function askedPrices() {
  const tiers = TIERS.map(({ id, upTo }) => [upTo, number(id, (v) => v >= 0, () => "a price from 0 up, such as 0.50")]);
  const worth = weighs ? number("worth", (v) => v >= 0, () => "an amount from 0 up, such as 10,000") : 0;
  const budget = optional("budget", (v) => v >= 0, () => "an amount from 0 up, or nothing");
  const start = byId("start").value || (prices.timed ? wrong("start", "found no day; expected one, such as 2027-01-04") : data.question.start);
  if (byId("start").value) clear("start");
  if ([...tiers.map(([, price]) => price), worth, budget ?? 0].some(Number.isNaN) || typeof start !== "string") return null;
  return { tiers, worth, budget, start, level: Number(byId("level").value) };
}

function number(id, fits, expected) {
  const value = parsed(byId(id).value);
  if (!Number.isNaN(value) && fits(value)) {
    clear(id);
    return value;
  }
  return wrong(id, `found “${byId(id).value.trim()}”; expected ${expected()}`);
}

/** A number, or null for an empty field. */
const optional = (id, fits, expected) => (byId(id).value.trim() === "" ? clear(id) : number(id, fits, expected));

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

// Sliders --------------------------------------------------------------------------------------------

/** Fields with a slider on a logarithmic scale, by id: the span, how a value is typed and told, typed over computed. */
const sliding = {};

const share = (id, value) => Math.log(value / sliding[id].span[0]) / Math.log(sliding[id].span[1] / sliding[id].span[0]);
const atShare = (id, part) => sliding[id].span[0] * (sliding[id].span[1] / sliding[id].span[0]) ** part;
const inField = (id) => parsed(byId(id).value) / sliding[id].scale;

function setField(id, value) {
  byId(id).value = sliding[id].typed(value);
  setSlider(id, value);
}

function setSlider(id, value) {
  const slider = byId(`${id}-slider`);
  slider.value = Math.round(SLIDER * Math.min(Math.max(share(id, value), 0), 1));
  slider.setAttribute("aria-valuetext", sliding[id].told(value));
}

/** A slider fills its field, with three digits but at its ends, and a field moves its slider. */
function listenSliders() {
  for (const id of Object.keys(sliding)) {
    byId(`${id}-slider`).addEventListener("input", (event) => {
      const part = Number(event.target.value) / SLIDER;
      const { span, exact } = sliding[id];
      setField(id, (part === 0 || part === 1) && exact ? span[part] : rounded(atShare(id, part), 3));
      event.target.value = Math.round(part * SLIDER);
    });
    byId(id).addEventListener("input", () => {
      if (inField(id) > 0) setSlider(id, inField(id));
    });
  }
}

function moveSliders() {
  for (const id of Object.keys(sliding)) {
    if (inField(id) > 0) setSlider(id, inField(id));
  }
}

// The address of the page keeps the question, so that it can be opened again ---------------------------

function remembered(ids) {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const id of ids) {
    if (given.has(id)) byId(id).value = given.get(id);
  }
  return given;
}

function remember(ids, lists = {}) {
  const kept = new URLSearchParams();
  for (const id of ids) kept.set(id, byId(id).value);
  for (const [name, values] of Object.entries(lists)) values.forEach((value) => kept.append(name, value));
  try {
    history.replaceState(null, "", `#${kept}`);
  } catch {
    // a preview of a mail has no address of its own
  }
}
