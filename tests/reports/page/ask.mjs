// Answers of a page's own functions: { script, data, questions, calls } on stdin, JSON on stdout.
import { readFileSync } from "node:fs";

const { script, data, questions = [], calls = [] } = JSON.parse(readFileSync(0, "utf8"));
const page = await import(`data:text/javascript;base64,${Buffer.from(script).toString("base64")}`);
const told = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
const known = data?.curves ? data.curves.map(page.opened) : data && page.opened(data);
const chosen = ({ names }) => (names && Array.isArray(known) ? known.filter((curve) => names.includes(curve.name)) : known);
const rows = questions.map((question) => page.answered(data, chosen(question), question));
const values = calls.map(([name, ...given]) => page[name](...given.map((v) => (v === "∞" ? Infinity : v))));
process.stdout.write(JSON.stringify({ rows, values }, told));
