// Draws a chart when one fits: a number over time as a line, a number for each of some categories as bars.

import { element, svg } from "./element.js";

const MOST_WIDE = 860;
const LEAST_WIDE = 280;
const HEIGHT = 240;
const WIDEST_BAR = 96;
const EDGE = { left: 56, right: 12, top: 12, bottom: 26 };
const MOST_BARS = 40;
const MOST_POINTS = 1000;
const DATE = /^\d{4}(-\d{2}(-\d{2}([ T]\d{2}:\d{2}.*)?)?)?$/;

export function fitting(columns, rows) {
  if (columns.length !== 2 || rows.length < 2 || rows.length > MOST_POINTS) return null;
  const number = [0, 1].filter((index) => rows.every((row) => row[index] === null || typeof row[index] === "number"));
  const years = (index) => rows.every((row) => Number.isInteger(row[index]) && row[index] > 1500 && row[index] < 2200);
  let label = 0;
  if (number.length === 2) {
    if (years(0) === years(1)) return null;
    label = years(0) ? 0 : 1;
  } else if (number.length === 1) {
    label = 1 - number[0];
  } else {
    return null;
  }
  const points = rows
    .filter((row) => row[label] !== null && row[1 - label] !== null)
    .map((row) => ({ label: String(row[label]), value: row[1 - label] }));
  if (points.length < 2) return null;
  if (points.every((point) => DATE.test(point.label))) {
    if (new Set(points.map((point) => point.label)).size < points.length) return null;
    return { kind: "line", number: 1 - label, points: points.sort((one, other) => (one.label < other.label ? -1 : 1)) };
  }
  return points.length <= MOST_BARS ? { kind: "bars", number: 1 - label, points } : null;
}

// It is drawn for a width in pixels, so that its text is as large on a phone.
export function chart(columns, rows, space) {
  const found = fitting(columns, rows);
  if (!found) return null;
  const { kind, points, number } = found;
  const width = Math.min(Math.max(space, LEAST_WIDE), MOST_WIDE);
  const values = points.map((point) => point.value);
  const scale = scaled(Math.min(0, ...values), Math.max(0, ...values));
  const wide = (width - EDGE.left - EDGE.right) / points.length;
  const middle = (index) => EDGE.left + wide * (index + 0.5);
  const title = `${columns[number]} by ${columns[1 - number]}`;
  const words = `${kind === "line" ? "Line" : "Bar"} chart of ${title}, ${points.length} points`;
  return element("figure", {}, element("figcaption", {}, title), svg(
    "svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": words },
    ...grid(scale, width), ...(kind === "line" ? line(points, scale, middle) : bars(points, scale, middle, wide)),
    ...labels(points, middle, wide),
  ));
}

function scaled(low, high) {
  const step = nice((high - low) / 4 || 1);
  const bottom = Math.floor(low / step) * step;
  const top = Math.max(Math.ceil(high / step) * step, bottom + step);
  const inside = HEIGHT - EDGE.top - EDGE.bottom;
  const ticks = [];
  for (let tick = bottom; tick <= top + step / 2; tick += step) ticks.push(tick);
  return { ticks, at: (value) => EDGE.top + inside * (1 - (value - bottom) / (top - bottom)) };
}

function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 2.5, 5, 10].find((each) => each * power >= step) * power;
}

function grid(scale, width) {
  const format = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 2 });
  return scale.ticks.flatMap((tick) => [
    svg("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: scale.at(tick), y2: scale.at(tick) }),
    svg("text", { x: EDGE.left - 6, y: scale.at(tick) + 4, "text-anchor": "end" }, format.format(tick)),
  ]);
}

function bars(points, scale, middle, wide) {
  return points.map((point, index) => {
    const [one, other] = [scale.at(point.value), scale.at(0)];
    const width = Math.min(wide * 0.76, WIDEST_BAR);
    const place = { x: middle(index) - width / 2, width, y: Math.min(one, other), height: Math.abs(one - other) };
    return svg("rect", { class: "bar", ...place }, titled(point));
  });
}

function line(points, scale, middle) {
  const path = points.map((point, index) => `${index ? "L" : "M"}${middle(index)} ${scale.at(point.value)}`).join("");
  const dots = points.length > 60 ? [] : points.map((point, index) =>
    svg("circle", { class: "dot", cx: middle(index), cy: scale.at(point.value), r: 3 }, titled(point)));
  return [svg("path", { class: "line", d: path }), ...dots];
}

function titled(point) {
  return svg("title", {}, `${point.label}: ${point.value}`);
}

function labels(points, middle, wide) {
  const every = Math.ceil(70 / Math.max(wide, 1));
  const most = Math.max(Math.floor((wide * every) / 6.5), 4);
  return points.flatMap((point, index) => {
    if (index % every) return [];
    const text = point.label.length > most ? `${point.label.slice(0, most - 1)}…` : point.label;
    return [svg("text", { x: middle(index), y: HEIGHT - EDGE.bottom + 18, "text-anchor": "middle" }, text)];
  });
}
