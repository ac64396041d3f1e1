// Answers of a page's own functions: { module, data, questions, calls } on stdin, JSON on stdout.
import { readFileSync } from "node:fs";

const { module, data, questions = [], calls = [] } = JSON.parse(readFileSync(0, "utf8"));
const page = await import(module);
const told = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
const surface = Boolean(data?.mesh);
const known = surface ? page.opened(data) : (data?.curves ?? []).map(page.opened);
const chosen = ({ names }) => known.filter((curve) => (names ?? [curve.name]).includes(curve.name));
const rows = questions.map((one) => (surface ? page.answered(known, one) : page.answered(data, chosen(one), one)));
const values = calls.map(([name, ...given]) => page[name](...given.map((v) => (v === "∞" ? Infinity : v))));
process.stdout.write(JSON.stringify({ rows, values }, told));
