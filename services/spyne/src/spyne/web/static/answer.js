// Shows what came of a question: rows with a chart and the SQL, a question back, a refusal. And what could be asked first.

import { ask, download } from "./api.js";
import { chart } from "./chart.js";
import { byId, counted, element } from "./element.js";

const SHOWN = 200;
const MOST_IN_FILES = 10000;
const EFFECTS = {
  verified: "From now on it answers whoever asks the same.",
  proposed: "It answers others once the administrator has verified it.",
  withdrawn: "The saved answer is no longer used.",
  noted: "",
};

export function show(outcome, on) {
  const parts = { success: answered, needs_clarification: askedBack, refused };
  byId("answer").replaceChildren(...parts[outcome.status](outcome, on).filter(Boolean));
}

// While something is asked, and when it fails, nothing older looks like its answer; SQL that is being edited stays.
export function clear(keepSql) {
  byId("answer").dataset.status = "";
  byId("answer").replaceChildren(...[...byId("answer").children].filter((card) => keepSql && card.id === "sql-card"));
}

export function welcome(database, schema, on) {
  const tables = [...schema.tables].filter((table) => table.rows !== 0).sort((one, other) => (other.rows || 0) - (one.rows || 0));
  const words = tables.slice(0, 3).map((table) => table.name.replaceAll("_", " "));
  const examples = [...words.map((name) => `how many ${name} are there?`), ...words.slice(0, 2).map((name) => `show me ${name}`), "show me all tables"];
  byId("answer").replaceChildren(element("div", { class: "card", id: "welcome" },
    element("h2", {}, `What would you like to know about ${database.name}?`),
    element("p", { class: "facts" }, database.origin === "demo"
      ? "This is a demo, a fictional shop. SPYNE_DATABASES names databases of your own."
      : "Name what you want to see, as the tables or people call it."),
    suggestions(examples, on)));
}

function suggestions(questions, on) {
  return element("ul", { class: "suggestions" }, ...questions.map((text) => element("li", {},
    element("button", { class: "link", type: "button", click: () => on.ask(text) }, text))));
}

export function choose(number) {
  document.querySelectorAll(".option")[number - 1]?.click();
}

function answered(outcome, on) {
  const { columns, rows } = outcome.data;
  const drawn = chart(columns, rows, byId("answer").clientWidth - 32);
  return [
    element("div", { class: "card" },
      outcome.reading ? element("p", { class: "reading" }, outcome.reading) : null, facts(outcome)),
    drawn ? element("div", { class: "card" }, drawn) : null,
    element("div", { class: "card" }, table(columns, rows), more(outcome.data), exports(outcome, on)),
    outcome.data.sql ? sql(outcome, on) : null,
  ];
}

function facts(outcome) {
  const { data } = outcome;
  const said = [
    counted(data.row_count),
    outcome.confidence ? `confidence ${outcome.confidence}` : null,
    `from ${{ sql: "your SQL", store: "a saved query", grammar: "the grammar", llm: "the language model", schema: "the schema" }[outcome.source] || outcome.source}`,
    `${lasted(outcome.elapsed_ms)}, of which the query ${lasted(data.query_ms)}`,
  ];
  return element("p", { class: "facts" }, ...said.filter(Boolean).map((text) => element("span", {}, text)));
}

function lasted(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function written(cell) {
  return typeof cell === "number" && !Number.isInteger(cell) ? String(Number(cell.toPrecision(12))) : String(cell);
}

function table(columns, rows) {
  const number = columns.map((_, index) => rows.length > 0 && rows.every((row) => row[index] === null || typeof row[index] === "number"));
  const head = columns.map((name, index) => element("th", { scope: "col", class: number[index] ? "number" : null }, name));
  const body = rows.slice(0, SHOWN).map((row) => element("tr", {}, ...row.map((cell, index) => cell === null
    ? element("td", { class: "missing" }, "none")
    : element("td", { class: number[index] ? "number" : null, title: String(cell) }, written(cell)))));
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows" }, made);
}

function more({ rows, limits_hit: limits }) {
  const said = [];
  if (!rows.length) said.push("No rows.");
  const inFiles = limits.includes("bytes") || rows.length >= MOST_IN_FILES ? "so is a file" : `a file has up to ${MOST_IN_FILES}`;
  if (limits.length) said.push(`There are more: the answer was cut off after ${counted(rows.length)} by the limit on ${limits.join(" and ")}; ${inFiles}.`);
  if (rows.length > SHOWN) said.push(`Shown are the first ${SHOWN} of ${rows.length} rows${limits.length ? "" : "; a file has all of them"}.`);
  return said.length ? element("p", { class: limits.length ? "notice" : "facts" }, said.join(" ")) : null;
}

function exports(outcome, on) {
  if (!outcome.data.sql || outcome.source === "schema") return null;
  const as = (format) => element("button", { type: "button", click: async () => {
    try {
      const file = await download("/api/query/export", { sql: outcome.sent || outcome.data.sql, database: outcome.database, format, limit: MOST_IN_FILES });
      const link = element("a", { href: URL.createObjectURL(file.content), download: file.name });
      link.click();
      URL.revokeObjectURL(link.href);
      on.said(file.limits ? `Saved, but cut off by the limit on ${file.limits.replace(",", " and ")}.` : "Saved.");
    } catch (error) { on.failed(error); }
  } }, `Save as ${format === "csv" ? "CSV" : "Parquet"}`);
  const thumb = (helpful) => element("button", { type: "button", click: async (event) => {
    try {
      const given = await ask("/api/feedback", { history_id: outcome.history_id, helpful });
      event.target.closest(".row").querySelectorAll(".thumb").forEach((each) => each.remove());
      on.said(`Thank you. ${EFFECTS[given.effect]}`);
      byId("answer").focus();
    } catch (error) { on.failed(error); }
  }, class: "thumb" }, helpful ? "Yes" : "No");
  const asked = outcome.source === "sql" ? [] : [element("span", { class: "thumb question" }, "Is this what you asked for?"), thumb(true), thumb(false)];
  return element("div", { class: "row" }, as("csv"), as("parquet"), ...asked);
}

function sql(outcome, on) {
  const box = element("textarea", { id: "sql", spellcheck: "false", "aria-label": "SQL", keydown: (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); on.runSql(box.value, outcome.database); }
  } });
  box.value = outcome.data.sql;
  const run = element("button", { type: "button", id: "run", click: () => on.runSql(box.value, outcome.database) }, "Run");
  const correct = element("button", { type: "button", click: async () => {
    try {
      const given = await ask("/api/feedback", { history_id: outcome.history_id, helpful: false, corrected_sql: box.value });
      on.said(`Saved. ${EFFECTS[given.effect]}`);
    } catch (error) { on.failed(error); }
  } }, "Save as the right answer");
  return element("details", { class: "card", id: "sql-card", open: outcome.source === "sql" }, element("summary", {}, "SQL"),
    outcome.source === "schema" ? element("pre", {}, outcome.data.sql) : element("div", {}, box, element("div", { class: "row" }, run, outcome.source === "sql" ? null : correct)));
}

function askedBack(outcome, on) {
  const [question] = outcome.clarification.questions;
  const options = question.options.map((option, index) => element("li", {}, element("button", {
    class: "option", type: "button",
    click: () => on.answer(outcome.clarification.id, { [question.id]: option.id }),
  }, element("kbd", {}, String(index + 1)), ` ${option.label}`, preview(option.preview))));
  return [element("div", { class: "card", id: "clarification" },
    element("h2", { id: "asked" }, question.text), element("ol", { class: "options", "aria-labelledby": "asked" }, ...options))];
}

function preview(rows) {
  if (!rows) return null;
  if (!rows.rows.length) return element("p", { class: "facts" }, "No rows.");
  const cells = (row, tag) => element("tr", {}, ...row.slice(0, 6).map((cell) => element(tag, {}, cell === null ? "none" : written(cell))));
  const first = rows.rows.slice(0, 2);
  return element("span", {}, element("span", { class: "hidden" }, `. First rows: ${first.map((row) => row.slice(0, 6).join(", ")).join("; ")}.`),
    element("table", { "aria-hidden": "true" }, element("thead", {}, cells(rows.columns, "th")), element("tbody", {}, ...first.map((row) => cells(row, "td")))));
}

function refused(outcome, on) {
  return [element("div", { class: "card", id: "refusal" }, element("h2", {}, "This cannot be answered from the data."),
    element("p", {}, outcome.reason),
    outcome.unlinked.length ? element("p", {}, `Not found: ${outcome.unlinked.join(", ")}`) : null,
    outcome.suggestions.length ? element("p", {}, "There is, for example:") : null, suggestions(outcome.suggestions, on))];
}
