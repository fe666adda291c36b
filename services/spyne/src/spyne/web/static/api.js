// Talks to the API. Every answer that is not one is thrown as an Error with what the service says.

import { byId } from "./element.js";

let key = sessionStorage.getItem("spyne-key") || "";
let underWay = null;
let asking = null;

export async function ask(path, body, method = body === undefined ? "GET" : "POST") {
  const response = await send(path, body, method);
  return response.status === 204 ? null : response.json();
}

export async function download(path, body) {
  const response = await send(path, body, "POST");
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "")?.[1] || "result";
  return { name, content: await response.blob(), limits: response.headers.get("X-Limits-Hit") };
}

export function cancel() {
  if (!underWay) return;
  const { id, controller } = underWay;
  controller.abort();
  send(`/api/query/${id}/cancel`, {}, "POST").catch(() => {});
}

async function send(path, body, method) {
  const id = crypto.randomUUID ? crypto.randomUUID().replaceAll("-", "") : String(Math.random()).slice(2);
  const controller = new AbortController();
  const mine = { id, controller };
  if (path.includes("/agent/") || path.endsWith("/execute")) underWay = mine;
  const headers = { "X-Request-ID": id };
  if (key) headers["X-API-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const options = { method, headers, signal: controller.signal, body: body === undefined ? body : JSON.stringify(body) };
    const response = await fetch(path, options);
    if (response.ok) return response;
    if (response.status === 401) return await withKey(path, body, method);
    throw await problem(response);
  } catch (error) {
    if (error.name === "AbortError") throw new Error("Cancelled.");
    if (error instanceof TypeError) throw new Error("The service cannot be reached.");
    throw error;
  } finally {
    if (underWay === mine) underWay = null;
  }
}

async function withKey(path, body, method) {
  asking ??= givenKey().finally(() => { asking = null; });  // one dialog for all that wait
  key = await asking;
  if (!key) throw new Error("A key is needed.");
  sessionStorage.setItem("spyne-key", key);
  return send(path, body, method);
}

function givenKey() {
  const dialog = byId("key-dialog");
  byId("key").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "ok" ? byId("key").value.trim() : ""), { once: true });
  });
}

async function problem(response) {
  const said = await response.json().catch(() => ({}));
  const errors = (said.errors || []).map((each) => each.msg).join("; ");
  const words = [said.title, said.detail, errors].filter(Boolean).join(": ");
  const made = new Error(words || `The service answered ${response.status}.`);
  made.id = said.correlation_id;
  made.status = response.status;
  return made;
}
