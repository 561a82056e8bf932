// The lists: clients, sites, suppliers and changes, each with its search and pages in the address.

import { link, make, section, table, tag, time } from "./dom.js";
import { get } from "./session.js";

const ROWS = 50;

export function tags(row) {
  return [
    row.inactive ? tag("inactive") : null,
    row.is_vip ? tag("VIP") : null,
    row.stopped > 0 ? tag("on stop", true) : null,
  ];
}

const named = (path) => ({ title: "Name", of: (row) => [link(`${path}/${row.id}`, row.name), tags(row)] });

const LISTS = {
  clients: {
    title: "Clients", path: "Client", rows: "clients", ordered: "name",
    columns: [
      named("clients"),
      { title: "Top level", of: (row) => row.toplevel_name },
      { title: "Reference", of: (row) => row.ref },
      { title: "Accounts id", of: (row) => row.accountsid },
    ],
  },
  sites: {
    title: "Sites", path: "Site", rows: "sites", ordered: "name",
    columns: [
      named("sites"),
      { title: "Client", of: (row) => link(`clients/${row.client_id}`, row.client_name) },
      { title: "Telephone", of: (row) => row.phonenumber },
      { title: "Main contact", of: (row) => row.maincontact_name },
      { title: "Time zone", of: (row) => row.timezone },
    ],
  },
  suppliers: {
    title: "Suppliers", path: "Supplier", rows: "suppliers", ordered: "name",
    columns: [
      { title: "Name", of: (row) => [row.name, tags(row)] },
      { title: "Contact", of: (row) => row.contact_name },
      { title: "E-mail", of: (row) => row.email_address },
      { title: "Telephone", of: (row) => row.phone_number },
    ],
  },
};

/** `asked` are the parameters in the address. */
export async function list(name, asked) {
  const kind = LISTS[name];
  const page = Math.max(1, Number(asked.get("page")) || 1);
  const search = asked.get("search") ?? "";
  const inactive = asked.get("inactive") === "true";
  const found = await get(kind.path, {
    pageinate: true, page_size: ROWS, page_no: page, order: kind.ordered, search, includeinactive: inactive,
  });
  const none = noRows(found, search ? `Nothing is found for “${search}”.` : `There are no ${name}.`);
  return {
    title: kind.title,
    spoken: `${found.record_count} ${name}`,
    content: [
      make("h1", null, kind.title),
      searchForm(name, search, inactive),
      make("div", { class: "sheet" },
        table(range(found, found[kind.rows].length), kind.columns, found[kind.rows], none),
        pages(name, asked, found)),
    ],
  };
}

/** Where a link to the same list with other parameters leads. */
function address(name, asked, changes) {
  const query = new URLSearchParams(asked);
  for (const [key, value] of Object.entries(changes)) {
    if (value) query.set(key, value);
    else query.delete(key);
  }
  const text = query.toString();
  return `#/${name}${text ? `?${text}` : ""}`;
}

function searchForm(name, search, inactive) {
  const field = make("input", { type: "search", name: "search", value: search, "aria-label": `Search ${name}`, placeholder: "Search" });
  const box = make("input", { type: "checkbox", name: "inactive", checked: inactive });
  const go = (event) => {
    event.preventDefault();
    const changes = { search: field.value.trim(), inactive: box.checked ? "true" : "", page: "" };
    location.hash = address(name, new URLSearchParams(), changes);
  };
  const form = make("form", { role: "search", submit: go }, field, make("button", { class: "first" }, "Search"),
    make("label", null, box, "Inactive ones too"));
  box.addEventListener("change", () => form.requestSubmit());
  return form;
}

const count = (number) => number.toLocaleString();

function range(found, shown) {
  const first = (found.page_no - 1) * found.page_size + 1;
  return `${count(first)} to ${count(first + shown - 1)} of ${count(found.record_count)}`;
}

/** What stands in place of the rows: an old address may lead behind the last page. */
function noRows(found, none) {
  return found.record_count > 0 ? "The list ends before this page." : none;
}

function pages(name, asked, found) {
  const last = Math.max(1, Math.ceil(found.record_count / found.page_size));
  if (last === 1 && found.page_no === 1) return null;
  const step = (page, text) => (page >= 1 && page <= last
    ? make("a", { href: address(name, asked, { page: page > 1 ? String(page) : "" }) }, text)
    : make("span", null, text));
  return make("nav", { class: "pages", "aria-label": "Pages" },
    step(Math.min(found.page_no - 1, last), "Previous"),
    make("span", null, `Page ${count(found.page_no)} of ${count(last)}`),
    step(found.page_no + 1, "Next"));
}

/** A table of changes in the history. */
export function changesTable(caption, rows, none = "Nothing was changed yet.") {
  return table(caption, [
    { title: "When", of: (row) => time(row.datetime), kind: "time" },
    { title: "What", of: subject },
    { title: "Who", of: (row) => row.agent_name || row.user_name || row.application },
    { title: "Fields", of: fields },
  ], rows, none);
}

function subject(row) {
  const place = { Client: "clients", Site: "sites" }[row.entity];
  const name = row.record_name || String(row.record_id);
  return [
    `${row.action === "merge" ? "merged" : row.operation} ${row.entity} `,
    place && row.operation !== "deleted" ? link(`${place}/${row.record_id}`, name) : name,
  ];
}

const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function fields(row) {
  const names = Object.keys(row.fields ?? {});
  if (names.length === 0) return "";
  const lines = names.map((name) => {
    const change = row.fields[name];
    if (typeof change !== "object") return make("li", null, `${name}: ${change}`);
    return make("li", null, `${name}: `,
      change.before === null ? null : [make("del", null, plain(change.before)), " → "],
      change.after === null ? "removed" : make("ins", null, plain(change.after)));
  });
  const title = names.length > 3 ? `${names.length} fields` : names.join(", ");
  return make("details", null, make("summary", null, title), make("ul", { class: "change text" }, lines));
}

export async function changes(asked) {
  const page = Math.max(1, Number(asked.get("page")) || 1);
  const found = await get("History", { pageinate: true, page_size: ROWS, page_no: page });
  return {
    title: "Changes",
    spoken: `${found.record_count} changes`,
    content: [
      make("h1", null, "Changes"),
      make("p", { class: "under" }, "What was written, the newest first."),
      section("History",
        changesTable(range(found, found.changes.length), found.changes, noRows(found, "Nothing was changed yet.")),
        pages("changes", asked, found)),
    ],
  };
}
