// The page of a surface: fields in, sentences, chart and tables out.

const known = opened(data);
const { question: opening } = data;
const RATES = ["hour-price", "rate", "gpus", "worth"];
const FIELDS = ["params", "n", "target", ...TIERS.map((tier) => tier.id), ...RATES, "budget", "start", "level", "view"];
const mesh = { params: data.mesh.params, n: data.mesh.n };
const reach = [0, data.path.log_flops.length - 1].map((i) => Math.exp(data.path.log_flops[i]));
const flopsText = (v) => `${rounded(v, 3).toExponential().replace("e+", "e")} FLOPs`;
const flopsTyped = (v) => rounded(v, 3).toExponential().replace("e+", "e");
const modelText = (run, short = true) => `${sizeText(rounded(run.params, 3), short)} on ${sizeText(rounded(run.n, 3), short)}`;
const hoursText = (v) => (v >= 10 ? plain(v, Math.max(3, Math.floor(Math.log10(v)) + 1)) : `${rounded(v, 2)}`);
const ends = (sizes) => [sizes[0], sizes.at(-1)];

sliding.flops = { span: reach, exact: false, scale: 1, typed: flopsTyped, told: flopsText };
sliding.params = { span: ends(mesh.params), exact: true, scale: 1, typed: sizeTyped, told: (v) => `${sizeText(v)} parameters` };
sliding.n = { span: ends(mesh.n), exact: true, scale: 1, typed: sizeTyped, told: (v) => `${sizeText(v)} ${units.size}` };
sliding.target = { span: targetSpan(), exact: false, scale: one, typed: (v) => plain(one * v, 6), told: (v) => plainText(units, v) };

/** Targets that the slider reaches: from the lowest to the highest median loss of the mesh. */
function targetSpan() {
  const logs = known.mesh.error[data.levels.indexOf(0.5)];
  return [0.9 * Math.exp(Math.min(...logs)), Math.exp(Math.max(...logs))];
}

// The question ---------------------------------------------------------------------------------------

function furnishSurface() {
  byId("n-label").textContent = `Data (${units.size})`;
  byId("hour-price-label").textContent = `Price per hour${inMoney}`;
  if (data.hours !== null) byId("rate").placeholder = "as measured";
}

/** Put a question into the fields. */
function fill(question) {
  for (const id of ["params", "n", "target"]) setField(id, question[id]);
  byId("hour-price").value = sparing(question.hour_price);
  byId("rate").value = question.rate === null ? "" : sparing(question.rate);
  byId("gpus").value = sparing(question.gpus);
  byId("view").value = "flops";
  fillPrices(question);
}

/** The question that the fields ask; null where one of them cannot be read, which is then said beside it. */
function asked() {
  const within = (id, what) => number(id, (v) => v >= 0.999999 * sliding[id].span[0] && v <= 1.000001 * sliding[id].span[1], () =>
    `${what} from ${sizeText(sliding[id].span[0])} to ${sizeText(sliding[id].span[1])}, such as 7,200 or 1.5M`);
  const [params, n] = [within("params", "a number of parameters"), within("n", "an amount of data")];
  const target = number("target", (v) => v > 0, () => `a loss above 0, such as ${plain(one * opening.target, 4)}`) / one;
  const hour_price = number("hour-price", (v) => v >= 0, () => "a price from 0 up, such as 2.50");
  const rate = optional("rate", (v) => v > 0, () => "operations above 0, such as 1.4e18, or nothing");
  const gpus = number("gpus", (v) => v > 0, () => "a number above 0, such as 8");
  const rest = askedPrices();
  if (rest === null || [params, n, target, hour_price, rate ?? 0, gpus].some(Number.isNaN)) return null;
  return { params, n, target, hour_price, rate, gpus, ...rest };
}

/** Compute that was moved is spent best; sizes that were moved have a compute of their own. False where it cannot be. */
function related(moved) {
  if (moved === "flops") {
    const flops = number("flops", (v) => v >= 0.999 * reach[0] && v <= 1.001 * reach[1], () => `a compute from ${flopsTyped(reach[0])} to ${flopsTyped(reach[1])}`);
    if (Number.isNaN(flops)) return false;
    const best = spentBest(known, flops);
    for (const id of ["params", "n"]) setField(id, rounded(best[id], 3));
    return true;
  }
  clear("flops");
  const [params, n] = [inField("params"), inField("n")];
  if (params > 0 && n > 0) setField("flops", Math.exp(logFlops(known, Math.log(params), Math.log(n))));
  return true;
}

// Answers --------------------------------------------------------------------------------------------

const priced = (question) => question.tiers.some(([, price]) => price > 0) || prices.fixed > 0 || question.hour_price > 0;

function tell(question, answer) {
  const { run } = answer;
  const [middle, range] = intervalText(units, run);
  const goal = plainText(units, question.target);
  const loss = units.phrase.replace("{}", () => middle);
  const first = `${sizeText(run.params)} parameters on ${sizeText(run.n)} ${units.size}: ${loss} (${range}). The chance of ${goal} or less is ${chanceText(run.p_target)}.`;
  said(first, [taken(question, run), weighing(answer)], [instead(answer), needed(answer, goal)]);
}

/** What the run takes, in sentences. */
function taken(question, run) {
  let text = `It takes ${flopsText(run.flops)}`;
  if (run.hours !== null) text += `, ${hoursText(run.hours)} accelerator hours`;
  if (run.buy > 0) text += `, and ${sizeText(run.buy)} more ${units.size} than the ${sizeText(prices.owned)} there are`;
  if (priced(question)) text += `, for ${moneyText(run.cost, currency)}`;
  if (question.budget !== null) text += run.affordable ? ", within the budget" : `, ${moneyText(run.cost - question.budget, currency)} above the budget`;
  return run.date === null ? `${text}.` : `${text}. ${readyText(run, question, "begun")}`;
}

/** What the run costs with what its loss costs, beside doing nothing. */
function weighing({ run, idle }) {
  if (!weighs) return "";
  const [mine, none] = [run, idle].map((row) => moneyText(rounded(row.all_in, 3), currency));
  return `What its loss costs counted in, it costs ${mine} on average; doing nothing costs ${none}.`;
}

/** How the same compute would be spent best, where that is another model. */
function instead({ run, best }) {
  if (best === null) return "";
  const [middle, low, high] = best.params.map((v) => sizeText(rounded(v, 3), true));
  return `That compute is spent best on ${middle} parameters (${low} – ${high}).`;
}

/** What the target takes, in a sentence. */
function needed({ needs: [even, likely] }, goal) {
  if (!Number.isFinite(even.flops)) return `More likely than not, no compute up to ${flopsText(reach[1])} is enough for ${goal}.`;
  return `For ${goal} the chances are even with ${flopsText(even.flops)}, spent best, and 3 in 4 with ${Number.isFinite(likely.flops) ? flopsText(likely.flops) : "no compute within reach"}.`;
}

const modelCell = (run) => element("span", {}, modelText(run), remark(flopsText(run.flops)));

/** Whether two runs are nearly the same. */
const alike = (one, other) => Math.abs(Math.log(one.params / other.params)) < 0.02 && Math.abs(Math.log(one.n / other.n)) < 0.02;

function tables(question, answer) {
  const money = priced(question);
  const timed = isTimed(known, question);
  const goal = plainText(units, question.target);
  const limits = limitsText(question);
  const { run, same, within, idle } = answer;
  const rows = [["This run", run], ["Same compute, best", same && !alike(run, same) && same], ["Within limits", within], ["Doing nothing", idle]].filter(([, row]) => row);
  const stays = (row) => row === idle;
  tabulate("runs", ["", "Model, data", `Loss (${timesIn(question.level)})`, `Chance of ${goal}`, ...(money ? [`Cost${ofMoney}`] : []), ...(timed ? ["Ready"] : []), ...(weighs ? [`All in${ofMoney}`] : [])],
    rows.map(([name, row]) => [name, modelCell(row), rangedCell(row), shown(row.p_target, chanceText(row.p_target)), ...(money ? [stays(row) ? shown(0, "nothing") : costCell(row)] : []),
      ...(timed ? [stays(row) ? "today" : readyCell(row)] : []), ...(weighs ? [allInCell(row.all_in)] : [])]), true);
  byId("runs-note").textContent = [
    limits && `Within limits: ${limits[0].toLowerCase()}${limits.slice(1)}, spent best${within === null ? `; that is less than ${flopsText(reach[0])}` : ""}.`,
    weighs && "All in: the cost and what the loss costs, on average.",
  ].filter(Boolean).join(" ");
  needsTable(answer, goal, money, timed);
  bestTable(answer, question.level);
}

/** The compute that the target needs, by chance; in a line below, the chances that no compute within reach has. */
function needsTable({ needs }, goal, money, timed) {
  const names = ["even odds", "3 chances in 4", "19 in 20"];
  const rows = needs.map((need, i) => [names[i], need]);
  const [found, lost] = [rows.filter(([, need]) => Number.isFinite(need.flops)), rows.filter(([, need]) => !Number.isFinite(need.flops))];
  const clocked = found.some(([, need]) => need.hours !== null);
  byId("needs-head").textContent = `Compute for ${goal}, spent best`;
  byId("needs").hidden = found.length === 0;
  tabulate("needs", ["", "FLOPs", "Model, data", ...(clocked ? ["Hours"] : []), ...(money ? [`Cost${ofMoney}`] : []), ...(timed ? ["Ready"] : [])],
    found.map(([name, need]) => [name, shown(need.flops, flopsTyped(need.flops)), modelText(need), ...(clocked ? [shown(need.hours, hoursText(need.hours))] : []),
      ...(money ? [costCell(need)] : []), ...(timed ? [readyCell(need)] : [])]), false);
  byId("needs-note").textContent = lost.length ? `Out of reach with any compute up to ${flopsText(reach[1])}: ${lost.map(([name]) => name).join(", ")}.` : "";
}

/** The best use of the run's compute, with how well it is known. */
function bestTable({ run, best }, level) {
  byId("best-section").hidden = best === null;
  if (best === null) return;
  byId("best-head").textContent = `The best use of ${flopsText(run.flops)}`;
  const sizes = (values) => values.map((v) => shown(v, sizeText(rounded(v, 3))));
  const places = decimals(units, best.error[1], best.error[2]);
  const rows = [["Parameters", ...sizes(best.params)], [`Data (${units.size})`, ...sizes(best.n)], ["Loss", ...best.error.map((v) => shown(v, errorText(units, v, places)))]];
  tabulate("best", ["", "Median", `From (${timesIn(level)})`, "To"], rows, false);
}

// The chart ------------------------------------------------------------------------------------------

const FAR = 100; // times the largest measured size that the chart shows
const POINTS = 120; // of a curve in the chart
const NEARLY = Math.log(1.25); // nats within which runs count as of this size, or of this compute
let drawn = null; // what the chart shows: the question and its answer

const runs = data.runs[0].map((params, i) => ({ params, n: data.runs[1][i], loss: data.runs[2][i] })).map((run) => ({ ...run, flops: Math.exp(logFlops(known, Math.log(run.params), Math.log(run.n))) }));
const near = (a, b) => Math.abs(Math.log(a / b)) < NEARLY;

/** What each chart shows: where along x, the run there, which measured runs, and words. */
const VIEWS = {
  flops: {
    span: () => reach,
    run: (flops) => spentBest(known, flops),
    measured: () => true,
    label: () => "Compute (FLOPs)",
    words: () => "by compute, each spent best",
    dotted: "all measured runs of such a compute, most of them of other sizes",
  },
  n: {
    span: ({ n }) => [mesh.n[0], Math.min(Math.max(FAR * data.largest.n, 1.25 * n), mesh.n.at(-1))],
    run: (n, { params }) => ({ params, n }),
    measured: (run, { params }) => near(run.params, params),
    label: () => `Data (${units.size})`,
    words: ({ params }) => `by data, for ${sizeText(rounded(params, 3))} parameters`,
    dotted: "measured runs of about that size",
  },
  params: {
    span: ({ flops }) => {
      const sizes = mesh.params.filter((p) => { const n = Math.exp(logData(known, Math.log(flops), Math.log(p))); return n >= mesh.n[0] && n <= mesh.n.at(-1); });
      return ends(sizes);
    },
    run: (params, { flops }) => ({ params, n: Math.exp(logData(known, Math.log(flops), Math.log(params))) }),
    measured: (run, { flops }) => near(run.flops, flops),
    label: () => "Parameters",
    words: ({ flops }) => `by model size, for ${flopsText(flops)}`,
    dotted: "measured runs of about that compute",
  },
};

function draw(question, answer) {
  drawn = { question, answer };
  const name = byId("view").value;
  const view = VIEWS[name];
  const at = answer.run;
  const [low, high] = view.span(at);
  const points = new Map(runs.filter((run) => view.measured(run, at) && run[name] >= low && run[name] <= high).map((run, i) => [run[name] * (1 + 1e-7 * i), run.loss])); // several of one x stand side by side
  const x = [...new Set([...Array.from({ length: POINTS }, (_, i) => low * (high / low) ** (i / (POINTS - 1))), ...points.keys()])].sort((a, b) => a - b);
  const losses = x.map((v) => { const { params, n } = view.run(v, at); return errorAt(known, params, n, question.level); });
  const columns = [x, ...["yhat_upper", "yhat_lower", "yhat"].map((key) => losses.map((row) => row[key])), x.map((v) => points.get(v) ?? null), x.map((v) => (v === nearest(x, at[name]) ? at.yhat : null))];
  const values = columns.slice(1).flat().filter((v) => v !== null);
  const colour = style("--accent");
  plotted({ columns, band: colour, series: [line(colour, true), dots(style("--muted")), dots(colour, true)], x: [low / 1.02, high * 1.02], y: [Math.min(...values) / 1.02, Math.max(...values) * 1.02],
    label: view.label(), sized: (v) => (name === "flops" ? flopsTyped(v) : sizeText(v, true)), at: at[name], target: question.target });
  const [middle, range] = intervalText(units, at);
  byId("chart").setAttribute("aria-label", `Chart: loss ${view.words(at)}. This run: ${middle}, range ${range}. The tables below have the numbers.`);
  byId("caption").textContent = `${units.error[0].toUpperCase()}${units.error.slice(1)} ${view.words(at)}.${points.size ? ` Points: ${view.dotted}.` : ""} Line: forecast; band: its range (${timesIn(question.level)}); large point: this run. Dashed: the target, and the run that is asked about.`;
}

const nearest = (x, v) => x.reduce((best, here) => (Math.abs(Math.log(here / v)) < Math.abs(Math.log(best / v)) ? here : best));

// All together ---------------------------------------------------------------------------------------

let waiting = 0;

/** Read the fields and answer: chart and tables at once, the sentences once nothing has changed for a moment. */
function update(moved = "", quiet = QUIET) {
  clearTimeout(waiting);
  const question = related(moved) ? asked() : null;
  byId("results").hidden = question === null;
  if (question === null) {
    said("A field cannot be read: see what stands beside it.");
    return;
  }
  const answer = answered(known, question);
  tables(question, answer);
  draw(question, answer);
  remember(FIELDS);
  if (quiet > 0) waiting = setTimeout(tell, quiet, question, answer);
  else tell(question, answer);
}

function listen() {
  listenSliders();
  byId("question").addEventListener("input", (event) => update(event.target.id.replace("-slider", "")));
  byId("view").addEventListener("input", () => update());
  byId("question").addEventListener("submit", (event) => event.preventDefault());
  byId("question").addEventListener("reset", (event) => {
    event.preventDefault();
    fill(opening);
    update("", 0);
  });
  addEventListener("hashchange", () => {
    remembered(FIELDS);
    start();
  });
  follow(() => drawn && draw(drawn.question, drawn.answer));
}

/** Sliders follow the fields. */
function start() {
  moveSliders();
  update("", 0);
}

const READING = `The range holds the loss as often as it says; the chance is that of the target or less. Compute that is moved is spent best: parameters and data follow. Parameters or data that are moved
have a compute of their own. Numbers come from grids of quantiles of the forecast, for ${ends(mesh.params).map((v) => sizeText(v)).join(" to ")} parameters and ${ends(mesh.n).map((v) => sizeText(v)).join(" to ")} ${units.size}. They are what the
command line says: losses within about half a per cent, chances within 2 points, best sizes and the compute for a target within about 10 %, or more where two sizes are nearly as good. Costs are those of buying what is missing beyond the ${sizeText(prices.owned)} there are, and of one training. Nothing leaves this page.`;
byId("reading").textContent = READING;
furnish();
furnishSurface();
fill(opening);
remembered(FIELDS);
listen();
start();
