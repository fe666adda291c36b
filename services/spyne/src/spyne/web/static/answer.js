// Shows what came of a question: rows with a chart and the SQL, a question back, a refusal.

import { ask, download } from "./api.js";
import { chart } from "./chart.js";
import { byId, element } from "./element.js";

const SHOWN = 200;

export function show(outcome, on) {
  const parts = { success: answered, needs_clarification: askedBack, refused };
  byId("answer").replaceChildren(...parts[outcome.status](outcome, on).filter(Boolean));
}

export function choose(number) {
  document.querySelectorAll(".option")[number - 1]?.click();
}

function answered(outcome, on) {
  const { columns, rows } = outcome.data;
  const drawn = chart(columns, rows);
  return [
    element("div", { class: "card" },
      outcome.reading ? element("p", { class: "reading" }, outcome.reading) : null, facts(outcome)),
    drawn ? element("div", { class: "card" }, drawn) : null,
    element("div", { class: "card" }, table(columns, rows), more(rows), exports(outcome, on)),
    outcome.data.sql ? sql(outcome, on) : null,
  ];
}

function facts(outcome) {
  const { data } = outcome;
  const said = [
    `${data.row_count} ${data.row_count === 1 ? "row" : "rows"}`,
    outcome.confidence ? `confidence ${outcome.confidence}` : null,
    `from ${{ sql: "your SQL", store: "a saved query", grammar: "the grammar", llm: "the language model", schema: "the schema" }[outcome.source] || outcome.source}`,
    `${outcome.elapsed_ms} ms, of which the query ${data.query_ms} ms`,
    data.limits_hit.length ? `cut off by the limit on ${data.limits_hit.join(" and ")}` : null,
  ];
  return element("p", { class: "facts" }, ...said.filter(Boolean).map((text) => element("span", {}, text)));
}

function table(columns, rows) {
  const number = columns.map((_, index) => rows.length > 0 && rows.every((row) => row[index] === null || typeof row[index] === "number"));
  const head = columns.map((name, index) => element("th", { scope: "col", class: number[index] ? "number" : null }, name));
  const body = rows.slice(0, SHOWN).map((row) => element("tr", {}, ...row.map((cell, index) => cell === null
    ? element("td", { class: "missing" }, "none")
    : element("td", { class: number[index] ? "number" : null, title: String(cell) }, String(cell)))));
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows" }, made);
}

function more(rows) {
  return rows.length > SHOWN ? element("p", { class: "facts" }, `The first ${SHOWN} of ${rows.length} rows; a file has all of them.`) : null;
}

function exports(outcome, on) {
  if (!outcome.data.sql || outcome.source === "schema") return null;
  const as = (format) => element("button", { type: "button", click: async () => {
    try {
      const file = await download("/api/query/export", { sql: outcome.data.sql, database: outcome.database, format });
      const link = element("a", { href: URL.createObjectURL(file.content), download: file.name });
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (error) { on.failed(error); }
  } }, `Save as ${format === "csv" ? "CSV" : "Parquet"}`);
  const thumb = (helpful) => element("button", { type: "button", click: async (event) => {
    try {
      await ask("/api/feedback", { history_id: outcome.history_id, helpful });
      event.target.closest(".row").querySelectorAll(".thumb").forEach((each) => each.remove());
      on.said("Thank you.");
    } catch (error) { on.failed(error); }
  }, class: "thumb" }, helpful ? "Right" : "Wrong");
  return element("div", { class: "row" }, as("csv"), as("parquet"), thumb(true), thumb(false));
}

function sql(outcome, on) {
  const box = element("textarea", { id: "sql", spellcheck: "false", "aria-label": "SQL", keydown: (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); on.runSql(box.value, outcome.database); }
  } });
  box.value = outcome.data.sql;
  const run = element("button", { type: "button", id: "run", click: () => on.runSql(box.value, outcome.database) }, "Run");
  const correct = element("button", { type: "button", click: async () => {
    try {
      await ask("/api/feedback", { history_id: outcome.history_id, helpful: false, corrected_sql: box.value });
      on.said("Saved as the answer to this question.");
    } catch (error) { on.failed(error); }
  } }, "Save as the right answer");
  return element("details", { class: "card", open: outcome.source === "sql" }, element("summary", {}, "SQL"),
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
  const cells = (row, tag) => element("tr", {}, ...row.slice(0, 6).map((cell) => element(tag, {}, cell === null ? "none" : String(cell))));
  return element("table", { "aria-hidden": "true" }, element("thead", {}, cells(rows.columns, "th")),
    element("tbody", {}, ...rows.rows.slice(0, 2).map((row) => cells(row, "td"))));
}

function refused(outcome, on) {
  const again = outcome.suggestions.map((text) => element("li", {}, element("button", { class: "link", type: "button", click: () => on.ask(text) }, text)));
  return [element("div", { class: "card", id: "refusal" }, element("h2", {}, "This cannot be answered from the data."),
    element("p", {}, outcome.reason),
    outcome.unlinked.length ? element("p", {}, `Not found: ${outcome.unlinked.join(", ")}`) : null,
    again.length ? element("ul", {}, ...again) : null)];
}
