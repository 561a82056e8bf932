// Elements of the page. Everything that comes from a record goes in as text and is never read as HTML.

/** Makes an element; `properties` are attributes, or listeners when they are functions. */
export function make(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function link(path, text) {
  return make("a", { href: `#/${path}` }, text || "(no name)");
}

/** A website as a link; any other text, such as another scheme, is text. */
export function web(text) {
  return /^https?:\/\//i.test(text ?? "") ? make("a", { href: text, rel: "noopener noreferrer" }, text) : text;
}

export function tag(text, isWarning) {
  return make("span", { class: isWarning ? "tag warn" : "tag" }, text);
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

/** A moment of the API (UTC without a zone) in the reader's own zone. */
export function time(text) {
  if (!text) return "";
  const moment = new Date(`${text}Z`);
  if (Number.isNaN(moment.valueOf())) return text;
  return make("time", { datetime: `${text}Z`, title: `${text} UTC` }, TIME.format(moment));
}

/** A date of the API, which is the same day for every reader. */
export function day(text) {
  if (!text) return "";
  const moment = new Date(`${text}Z`);
  return Number.isNaN(moment.valueOf()) ? text : make("time", { datetime: text.slice(0, 10) }, DAY.format(moment));
}

/**
 * A table; a column is `{ title, of(row), kind }`, and `kind` a class of its cells. An empty list is a
 * sentence.
 */
export function table(caption, columns, rows, none) {
  if (rows.length === 0) return make("p", { class: "none" }, none);
  const head = columns.map((column) => make("th", { scope: "col", class: column.kind }, column.title));
  const body = rows.map((row) =>
    make("tr", null, columns.map((column) => make("td", { class: column.kind }, column.of(row) ?? ""))));
  return make("div", { class: "wide" },
    make("table", null,
      caption ? make("caption", null, caption) : null,
      make("thead", null, make("tr", null, head)),
      make("tbody", null, body)));
}

/** Names and values; those without a value are left out. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== 0);
  return make("dl", null, shown.map(([name, value]) => make("div", null, make("dt", null, name), make("dd", null, value))));
}

export function section(title, ...content) {
  return make("section", null, make("h2", null, title), content);
}
