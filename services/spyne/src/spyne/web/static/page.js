// The page: what is asked, by keyboard or mouse, and what is shown of it.

import { choose, clear, show, welcome } from "./answer.js";
import { ask, cancel } from "./api.js";
import { byId, element } from "./element.js";
import { showHistory, showSchema } from "./side.js";

let asked = [];
let back = -1;
let turn = 0;
let databases = [];

const on = {
  ask(query, database) {
    byId("question").value = query;
    if (database && database !== byId("database").value && chosen(database)) select(false);
    return shown(() => ask("/api/agent/run", { query, database: byId("database").value }));
  },
  answer(session, answers) {
    return shown(() => ask("/api/agent/continue", { session_id: session, answers }));
  },
  runSql(sql, database) {
    return shown(async () => ({ ...await ask("/api/query/execute", { sql, database }), sent: sql }), true);
  },
  said(words) {
    byId("status").className = "";
    byId("status").textContent = words;
  },
  failed(error) {
    byId("status").className = "wrong";
    byId("status").textContent = error.message + (error.status >= 500 && error.id ? ` (${error.id})` : "");
  },
};

async function shown(work, isSql = false) {
  turn += 1;
  const mine = turn;
  const inSql = document.activeElement?.id === "sql";
  on.said("Asking…");
  clear(isSql);
  byId("cancel").hidden = false;
  try {
    const outcome = await work();
    if (mine !== turn) return;
    on.said({ success: "Answered.", needs_clarification: "One question back: pick what you mean.", refused: "" }[outcome.status]);
    show(outcome, on);
    byId("answer").dataset.status = outcome.status;
    if (outcome.status === "needs_clarification") document.querySelector(".option")?.focus();
    else if (inSql) byId("sql")?.focus();
    else if (document.activeElement === document.body) byId("answer").focus();
  } catch (error) {
    if (mine !== turn) return;
    on.failed(error);
    if (inSql) byId("sql")?.focus();
  } finally {
    if (mine === turn) byId("cancel").hidden = true;
  }
  await history();
}

async function history() {
  try {
    asked = await showHistory(on);
  } catch (error) {
    on.failed(error);
  }
}

function chosen(database) {
  const options = [...byId("database").options];
  if (!options.some((each) => each.value === database)) return false;
  byId("database").value = database;
  return true;
}

async function select(isNew = true) {
  const name = byId("database").value;
  try {
    const schema = await showSchema(name, on);
    if (isNew && !turn) welcome(databases.find((each) => each.name === name), schema, on);
  } catch (error) {
    byId("schema").replaceChildren();
    on.failed(error);
  }
}

function keys(event) {
  const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName);
  if (event.key === "Escape") cancel();
  else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (event.key === "/") {
      event.preventDefault();
      byId("question").select();
    } else if (event.key >= "1" && event.key <= "9") choose(Number(event.key));
  }
}

function recall(event) {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  event.preventDefault();
  back = Math.max(-1, Math.min(asked.length - 1, back + (event.key === "ArrowUp" ? 1 : -1)));
  byId("question").value = back < 0 ? "" : asked[back];
}

async function begin() {
  document.addEventListener("keydown", keys);
  if (window.matchMedia("(max-width: 800px)").matches) document.querySelectorAll("aside > details").forEach((each) => each.removeAttribute("open"));
  byId("question").addEventListener("keydown", recall);
  byId("cancel").addEventListener("click", cancel);
  byId("database").addEventListener("change", () => select());
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    back = -1;
    const query = byId("question").value.trim();
    if (query) on.ask(query);
  });
  try {
    databases = await ask("/api/databases");
    byId("database").replaceChildren(...databases.map((each) => element("option", { value: each.name, selected: each.default }, each.name)));
    await Promise.all([select(), history()]);
    const query = new URLSearchParams(location.search).get("q");
    if (query) on.ask(query);
  } catch (error) {
    on.failed(error);
  }
  document.body.dataset.ready = "true";
}

begin();
