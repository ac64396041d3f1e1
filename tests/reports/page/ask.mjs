// Answers of the page's own functions: { module, data, questions, calls } on stdin, JSON on stdout.
import { readFileSync } from "node:fs";

const { module, data, questions = [], calls = [] } = JSON.parse(readFileSync(0, "utf8"));
const page = await import(module);
const told = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
const curves = data.curves.map(page.opened);
const rows = questions.map((question) =>
  page.answered(data, curves.filter((curve) => (question.names ?? [curve.name]).includes(curve.name)), question),
);
const values = calls.map(([name, ...given]) => page[name](...given.map((v) => (v === "∞" ? Infinity : v))));
process.stdout.write(JSON.stringify({ rows, values }, told));
