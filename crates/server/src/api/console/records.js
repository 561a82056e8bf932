// One client, one site: what is known of it, and what belongs to it.

import { day, facts, link, make, section, table, time, web } from "./dom.js";
import { changesTable, tags } from "./lists.js";
import { Problem, get } from "./session.js";

/** Rows that a section shows; more are counted. */
const ROWS = 100;
const CHANGES = 20;

/** What belongs to a client: where it comes from, and how it is shown. */
const OF_CLIENT = [
  {
    title: "Sites", path: "Site", rows: "sites", params: { includeinactive: true },
    columns: [
      { title: "Name", of: (row) => [link(`sites/${row.id}`, row.name), tags(row)] },
      { title: "Telephone", of: (row) => row.phonenumber },
      { title: "Main contact", of: (row) => row.maincontact_name },
      { title: "Time zone", of: (row) => row.timezone },
    ],
  },
  {
    title: "Contacts", path: "Users", rows: "users", params: { includeinactive: true },
    columns: [
      { title: "Name", of: (row) => [row.name, tags(row)] },
      { title: "E-mail", of: (row) => row.emailaddress },
      { title: "Telephone", of: (row) => row.phonenumber },
      { title: "Site", of: (row) => row.site_name },
    ],
  },
  {
    title: "Notes", path: "CRMNote", rows: "actions",
    columns: [
      { title: "When", of: (row) => time(row.datetime), kind: "time" },
      { title: "Note", of: (row) => row.note, kind: "text" },
      { title: "Next call", of: (row) => day(row.nextcalldate), kind: "time" },
    ],
  },
  {
    title: "Recurring items", path: "RecurringItem",
    columns: [
      { title: "Item", of: (row) => row.areaitemdesc, kind: "text" },
      { title: "Quantity", of: (row) => String(row.quantity), kind: "number" },
      { title: "Price", of: (row) => String(row.sellingprice), kind: "number" },
      { title: "Next invoice", of: (row) => day(row.nextinvoicedate), kind: "time" },
      { title: "Ends", of: (row) => day(row.enddate), kind: "time" },
    ],
  },
  {
    title: "Prepay", path: "ClientPrepay",
    columns: [
      { title: "Date", of: (row) => day(row.date), kind: "time" },
      { title: "Description", of: (row) => row.description, kind: "text" },
      { title: "Hours", of: (row) => String(row.hours), kind: "number" },
      { title: "Amount", of: (row) => String(row.amount), kind: "number" },
      { title: "Expires", of: (row) => day(row.expirydate), kind: "time" },
    ],
  },
  {
    title: "Microsoft tenants", path: "AreaAzureTenant",
    columns: [
      { title: "Tenant", of: (row) => row.azure_tenant_name || row.azure_tenant_id },
      { title: "Domain", of: (row) => row.azure_tenant_domain },
      { title: "Connection", of: (row) => row.details_name },
    ],
  },
  {
    title: "Permitted ticket types", path: "AreaRequestType",
    columns: [{ title: "Ticket type", of: (row) => row.requesttype_name || `Ticket type ${row.requesttype_id}` }],
  },
];

const OF_SITE = [
  {
    title: "Contacts", path: "Users", rows: "users", params: { includeinactive: true },
    columns: OF_CLIENT[1].columns.slice(0, 3),
  },
];

/** One section; who may not see it is told so, and the rest of the page is there all the same. */
async function part(kind, owner) {
  try {
    const found = await get(kind.path, { ...owner, ...kind.params, count: ROWS });
    const rows = kind.rows ? found[kind.rows] : found;
    const total = found.record_count ?? rows.length;
    const caption = total > rows.length ? `The first ${rows.length} of ${total}` : "";
    return section(kind.title, table(caption, kind.columns, rows.slice(0, ROWS), "None."));
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 403) throw error;
    return section(kind.title, make("p", { class: "none" }, error.message));
  }
}

async function changesOf(entity, id) {
  const rows = await get("History", { entity, id, count: CHANGES });
  return section("Changes", changesTable("", rows));
}

function address(record) {
  const lines = ["line1", "line2", "line3", "line4", "postcode"].map((name) => record?.[name]);
  return lines.filter(Boolean).join("\n");
}

/** Everything that is set, under the names that the API has for it. */
function everything(record) {
  const isPlain = (value) => value !== null && typeof value !== "object";
  const pairs = Object.entries(record).filter(([, value]) => isPlain(value) && value !== false);
  const shown = pairs.map(([name, value]) => [name, String(value)]).filter(([, value]) => value !== "0");
  return make("section", null, make("details", null, make("summary", null, "All fields"), facts(shown)));
}

function notices(record) {
  const notes = record.popup_notes ?? [];
  return notes.map((note) => make("p", { class: "notice", role: "note" }, note.note));
}

export async function client(id) {
  const owner = { client_id: id };
  const [record, changes, ...parts] = await Promise.all([
    get(`Client/${id}`, { includedetails: true }),
    changesOf("Client", id),
    ...OF_CLIENT.map((kind) => part(kind, owner)),
  ]);
  return {
    title: record.name,
    content: [
      make("h1", null, record.name, tags(record)),
      make("p", { class: "under" }, record.toplevel_name),
      notices(record),
      section("Client", facts([
        ["Website", web(record.website)],
        ["Main site", record.main_site_id > 0 ? link(`sites/${record.main_site_id}`, record.main_site_name) : ""],
        ["Account manager", record.accountmanagertech_name],
        ["Primary technician", record.pritech_name],
        ["Secondary technician", record.sectech_name],
        ["Reference", record.ref],
        ["Accounts id", record.accountsid],
        ["Accounts e-mail", record.accountsemailaddress],
        ["Client since", day(record.datecreated)],
        ["Next call", day(record.calldate)],
        ["Notes", record.notes],
      ])),
      parts, changes, everything(record),
    ],
  };
}

export async function site(id) {
  const [record, changes, ...parts] = await Promise.all([
    get(`Site/${id}`, { includedetails: true }),
    changesOf("Site", id),
    ...OF_SITE.map((kind) => part(kind, { site_id: id })),
  ]);
  return {
    title: `${record.name}, ${record.client_name}`,
    content: [
      make("h1", null, record.name, tags(record)),
      make("p", { class: "under" }, "a site of ", link(`clients/${record.client_id}`, record.client_name)),
      notices(record),
      section("Site", facts([
        ["Telephone", record.phonenumber],
        ["Main contact", record.maincontact_name],
        ["Time zone", record.timezone],
        ["Delivery address", address(record.delivery_address)],
        ["Invoice address", address(record.invoice_address)],
        ["E-mail domain", record.emaildomain],
        ["Reference", record.ref],
        ["Notes", record.notes],
      ])),
      parts, changes, everything(record),
    ],
  };
}
