// Makes elements. Text is only ever set as text: nothing from a database or a model becomes markup.

const SVG = "http://www.w3.org/2000/svg";

export function element(tag, options = {}, ...children) {
  return filled(document.createElement(tag), options, children);
}

export function svg(tag, options = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), options, children);
}

function filled(made, options, children) {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

export function counted(rows) {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

export function byId(id) {
  return document.getElementById(id);
}
