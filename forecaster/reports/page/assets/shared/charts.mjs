// The chart of a page, by uPlot: logarithmic axes, a band, lines, points, and what is asked about marked on them.

let chart = null;

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
    const powers = Array.from({ length: 22 }, (_, i) => i - 12);
    const step = [1, 2, 5].flatMap((m) => powers.map((k) => Number(`${m}e${k}`))).sort((a, b) => a - b).find((s) => (high - low) / s <= most);
    return Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, i) => rounded((Math.ceil(low / step) + i) * step, 6));
  }
  const every = choices.map((marks) => steps(low, high, marks));
  const found = every.find((some) => some.length <= most) ?? every.at(-1);
  const skip = Math.ceil(found.length / most);
  return found.filter((_, i) => i % skip === 0);
}

const rgba = (hex, alpha) => `rgba(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(", ")}, ${alpha})`;
const line = (stroke, bold = false, dashed = false) => ({ stroke, width: bold ? 3 : 1.5, dash: dashed ? [6, 4] : [], points: { show: false } });
const dots = (stroke, bold = false) => ({ stroke, width: 0, points: { show: true, size: bold ? 8 : 6, fill: stroke, stroke: style("--ground"), width: 1 }, paths: () => null });

/** Draw `columns`: x, both ends of the band, and what `series` are; `at` and `target` are marked. */
function plotted({ columns, series, band, x, y, label, sized, at, target }) {
  const holder = byId("chart");
  const width = holder.clientWidth;
  const height = holder.clientHeight;
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const ink = style("--ink");
  const edge = style("--line");
  const axis = { stroke: ink, font, labelFont: font, labelSize: 20, labelGap: 0, grid: { stroke: edge, width: 1 }, ticks: { stroke: edge, width: 1, size: 5 }, filter: (_, splits) => splits };
  const end = { show: true, width: 0, points: { show: false } };
  chart?.destroy();
  chart = new uPlot({
    width, height,
    series: [{}, end, end, ...series],
    legend: { show: false },
    cursor: { show: false },
    padding: [12, 14, 0, 4],
    bands: [{ series: [1, 2], fill: rgba(band, 0.18) }],
    scales: { x: { time: false, distr: 3, range: () => x }, y: { distr: 3, range: () => y } },
    axes: [
      { ...axis, size: 34, label, splits: (u, i, low, high) => ticks(low, high, Math.max(Math.floor(width / 80), 3)), values: (_, splits) => splits.map(sized) },
      { ...axis, size: 58, splits: (u, i, low, high) => ticks(low, high, Math.floor(height / 38)), values: (_, splits) => splits.map((v) => plainText(units, v).replace(units.unit, "").trim()) },
    ],
    hooks: { draw: [(u) => marked(u, at, target, font)] },
  }, columns, holder);
}

/** The target and what is asked about, over the curves. */
function marked(u, at, target, font) {
  const { ctx, bbox } = u;
  const scale = devicePixelRatio;
  const x = u.valToPos(at, "x", true);
  const y = u.valToPos(target, "y", true);
  ctx.save();
  ctx.strokeStyle = style("--muted");
  ctx.lineWidth = 1.5 * scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  const inside = y >= bbox.top && y <= bbox.top + bbox.height;
  ctx.beginPath();
  if (x >= bbox.left && x <= bbox.left + bbox.width) {
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  if (inside) {
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
  }
  ctx.stroke();
  ctx.fillStyle = style("--ink");
  ctx.font = font.replace("12px", `${12 * scale}px`);
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  if (inside) ctx.fillText(`target ${plainText(units, target)}`, bbox.left + 6 * scale, y - 4 * scale);
  ctx.restore();
}

/** Draw anew where the scheme of colours changes, and fit the chart to its place. */
function follow(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(() => chart?.setSize({ width: byId("chart").clientWidth, height: byId("chart").clientHeight })).observe(byId("chart"));
}
