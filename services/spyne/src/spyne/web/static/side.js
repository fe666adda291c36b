// The side: the tables of the database, and what was asked.

import { ask } from "./api.js";
import { byId, counted, element } from "./element.js";

export async function showSchema(database, on) {
  const schema = await ask(`/api/databases/${encodeURIComponent(database)}/schema`);
  const again = element("button", { class: "link", type: "button", click: async () => {
    try {
      await ask(`/api/databases/${encodeURIComponent(database)}/refresh`, {});
      await showSchema(database, on);
      on.said("The tables were read again.");
    } catch (error) { on.failed(error); }
  } }, "Read again");
  byId("schema").replaceChildren(...schema.tables.map((table) => described(table, on)), again);
  return schema;
}

function described(table, on) {
  const rows = table.rows === null ? "" : ` ${counted(table.rows)}`;
  const columns = table.columns.map((column) => element("li", { title: values(column) }, column.name, " ",
    element("span", { class: "kind" }, column.kind + marks(table, column))));
  return element("details", {}, element("summary", {}, table.name, element("span", { class: "kind" }, rows)),
    element("ul", {}, ...columns),
    element("button", { class: "link", type: "button", click: () => on.ask(`show me ${table.name.replaceAll("_", " ")}`) }, "Show"));
}

function marks(table, column) {
  const key = table.primary_key.includes(column.name) ? ", key" : "";
  const to = table.foreign_keys.find((each) => each.columns.includes(column.name));
  return key + (to ? `, to ${to.references}` : "");
}

function values(column) {
  return column.values ? `such as ${column.values.slice(0, 5).join(", ")}` : "";
}

export async function showHistory(on) {
  const entries = await ask("/api/history?limit=30");
  byId("history").replaceChildren(...entries.map((entry) => element("li", {}, element("button", {
    class: "link", type: "button", title: entry.words || entry.status,
    click: () => (entry.origin === "sql" ? on.runSql(entry.sql || entry.query, entry.database) : on.ask(entry.query, entry.database)),
  }, element("span", { class: "asked" }, entry.query), element("span", { class: "kind" }, ` ${mark(entry)}`)))));
  return entries.filter((entry) => entry.origin !== "sql").map((entry) => entry.query);
}

function mark(entry) {
  const words = { needs_clarification: "asked back", refused: "refused", error: "failed", cancelled: "cancelled" };
  return words[entry.status] || (entry.row_count === null ? "" : counted(entry.row_count));
}
