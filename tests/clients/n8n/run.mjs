#!/usr/bin/env node
// Runs the HaloPSA node of the npm package n8n-nodes-base against a server that speaks its API.
//
//     run.mjs FOLDER BASE_URL CLIENT_ID CLIENT_SECRET TENANT
//
// FOLDER has the packages in node_modules (the test puts them there); host.mjs stands in for n8n.
// The application needs the scopes admin, edit:tickets and edit:customers, and the server demo data.
// The checks delete what they make. Prints one line a check; the exit code is 0 when all
// hold, 1 when one does not, 2 for wrong usage.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { credentials, execute, lastExchanges, load, loadOptions, testCredential } from "./host.mjs";

const TIME_LIMIT_MS = 240_000;
const PAGE_SIZE = 100; // the node's own
const DEFAULT_LIMIT = 50;
const LIMIT = 7;
const UNKNOWN_ID = "2000000000";
const EVERYTHING = { returnAll: true };

/// What the node shows of a record in its short form, in the order of the record's fields.
const SHORT = {
  client: ["id", "name", "notes", "is_vip", "website"],
  site: ["id", "name", "client_id", "maincontact_name", "notes", "phonenumber"],
  user: ["id", "name", "site_id", "emailaddress", "notes", "surname", "inactive"],
  ticket: ["id", "summary", "details", "agent_id", "startdate", "targetdate"],
};

const LISTS = ["getHaloPSAAgents", "getHaloPSAClients", "getHaloPSASites", "getHaloPSATicketsTypes"];

let node;
let account;
let accounts;
// Letters only: the node takes an error for another one when its text has 400 or 403 in it.
const mark = `zq${Array.from(randomBytes(8), (byte) => String.fromCharCode(97 + (byte % 26))).join("")}`;
const name = `Zephyr Quïll ${mark}`;
let clientId;
let siteId;

/// The records that one run with one input item puts out.
async function run(resource, operation, parameters = {}) {
  const rows = await execute(node, account, resource, operation, [parameters]);
  for (const row of rows) assert.deepEqual(row.pairedItem, { item: 0 });
  return rows.map((row) => row.json);
}

/// The same for operations that put out exactly one record.
async function one(resource, operation, parameters) {
  const records = await run(resource, operation, parameters);
  assert.equal(records.length, 1, `${operation} put out ${records.length} records`);
  return records[0];
}

/// Expects the fields in `expected` to have these values.
function has(record, expected) {
  for (const [key, value] of Object.entries(expected)) {
    assert.deepEqual(record[key], value, `${key} is ${JSON.stringify(record[key])}, not ${JSON.stringify(value)}`);
  }
}

/// Expects rows in short form: these fields and no other, each row once.
function isShortList(resource, rows) {
  for (const row of rows) {
    assert.ok(Number.isInteger(row.id) && row.id > 0, `a row's id is ${row.id}`);
    for (const key of Object.keys(row)) assert.ok(SHORT[resource].includes(key), `the short form has ${key}`);
  }
  assert.equal(new Set(ids(rows)).size, rows.length, `a ${resource} is listed twice`);
}

const ids = (rows) => rows.map((row) => row.id);

/// Expects the run to end with n8n's error for this status, and all of `words` in what it shows:
/// its heading, the reason below and the messages that it collected. Returns these.
async function fails(status, words, action) {
  let error;
  try {
    await action();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error, "it succeeded");
  const shown = [error.message, error.description, ...(error.messages ?? [])].join("\n");
  assert.equal(error.name, "NodeApiError", `a ${error.name} reached the person: ${shown}`);
  assert.equal(error.httpCode, String(status), `status ${error.httpCode}: ${shown}`);
  for (const word of words) assert.ok(shown.includes(word), `'${word}' is not in: ${shown}`);
  return shown;
}

const checks = [
  ["tests a credential, on premise and hosted", async () => {
    for (const kind of ["onPremise", "hosted", "withoutAuth"]) {
      assert.deepEqual(await testCredential(node, accounts[kind]), {
        status: "OK",
        message: "Connection successful!",
      }, kind);
    }
  }],

  ["tests a credential with a wrong secret", async () => {
    const { status, message } = await testCredential(node, accounts.wrong);
    assert.equal(status, "Error");
    assert.match(message, /^401 - \{.*invalid_client/);
  }],

  ["gets all clients: active, inactive and both", async () => {
    const all = await run("client", "getAll", EVERYTHING);
    assert.ok(all.length > DEFAULT_LIMIT, `only ${all.length} clients: load the demo data`);
    isShortList("client", all);
    const some = {};
    for (const activeStatus of ["active", "inactive", "all"]) {
      some[activeStatus] = ids(await run("client", "getAll", { ...EVERYTHING, filters: { activeStatus } }));
    }
    assert.deepEqual(ids(all), some.active, "without a filter: the active ones");
    assert.ok(some.inactive.length > 0, "the demo data has inactive clients");
    assert.deepEqual([...some.active, ...some.inactive].sort(), some.all.sort());
  }],

  ["gets clients up to a limit, and 50 by default", async () => {
    const all = ids(await run("client", "getAll", EVERYTHING));
    const few = await run("client", "getAll", { limit: LIMIT, simplify: false });
    assert.deepEqual(ids(few), all.slice(0, LIMIT));
    for (const row of few) has(row, { use: "client", inactive: false });
    assert.deepEqual(ids(await run("client", "getAll")), all.slice(0, DEFAULT_LIMIT));
  }],

  ["creates a client", async () => {
    const additionalFields = { notes: `Notes of ${mark}`, is_vip: true, website: "https://zephyr.example" };
    const created = await one("client", "create", { clientName: name, additionalFields });
    has(created, { name, ...additionalFields, inactive: false });
    clientId = created.id;
    assert.ok(Number.isInteger(clientId) && clientId > 0, `id is ${clientId}`);
  }],

  ["gets a client, in short form and whole", async () => {
    const short = await one("client", "get", { clientId });
    assert.deepEqual(Object.keys(short).sort(), [...SHORT.client].sort());
    has(short, { id: clientId, name, notes: `Notes of ${mark}`, is_vip: true, website: "https://zephyr.example" });
    const whole = await one("client", "get", { clientId: String(clientId), simplify: false });
    has(whole, { ...short, inactive: false, use: "client" });
    assert.ok(!("clients" in whole), "one record has the key of a list");
  }],

  ["searches clients", async () => {
    for (const search of [mark, mark.toUpperCase(), `quïll ${mark}`]) {
      const found = await run("client", "getAll", { ...EVERYTHING, filters: { search } });
      assert.deepEqual(ids(found), [clientId], search);
    }
    assert.deepEqual(await run("client", "getAll", { filters: { search: "no such client" } }), []);
  }],

  ["updates a client and leaves the rest as it was (the id comes as text)", async () => {
    const updateFields = { name: `${name} Ltd`, notes: "" };
    has(await one("client", "update", { clientId: String(clientId), updateFields }), { id: clientId, ...updateFields });
    has(await one("client", "get", { clientId }), { ...updateFields, is_vip: true, website: "https://zephyr.example" });
    await one("client", "update", { clientId, updateFields: { inactive: true } });
    const filters = { search: mark, activeStatus: "active" };
    assert.deepEqual(await run("client", "getAll", { filters }), []);
    has(await one("client", "getAll", { filters: { ...filters, activeStatus: "inactive" } }), { id: clientId });
    await one("client", "update", { clientId, updateFields: { inactive: false, name } });
  }],

  ["gets all sites, over several pages, and up to a limit", async () => {
    const all = await run("site", "getAll", EVERYTHING);
    assert.ok(all.length > PAGE_SIZE, `only ${all.length} sites: load the demo data`);
    isShortList("site", all);
    const few = await run("site", "getAll", { limit: LIMIT, simplify: false });
    assert.deepEqual(ids(few), ids(all).slice(0, LIMIT));
    for (const row of few) {
      assert.ok(Number.isInteger(row.client_id), `client_id is ${row.client_id}`);
      assert.equal(row.clientsite_name, `${row.client_name}/${row.name}`);
    }
  }],

  ["creates sites, with the client chosen from the list and typed in as text", async () => {
    const additionalFields = { notes: "Bell is broken", phonenumber: "01632 960001" };
    const chosen = { siteName: `Harbour ${mark}`, clientId, additionalFields };
    const created = await one("site", "create", chosen);
    has(created, { name: chosen.siteName, client_id: clientId, client_name: name, ...additionalFields });
    siteId = created.id;
    const typed = { siteName: `Quay ${mark}`, selectOption: true, clientId: String(clientId) };
    has(await one("site", "create", typed), { name: typed.siteName, client_id: clientId });
  }],

  ["gets a site, in short form and whole", async () => {
    const short = await one("site", "get", { siteId });
    isShortList("site", [short]);
    has(short, { id: siteId, name: `Harbour ${mark}`, client_id: clientId });
    has(short, { notes: "Bell is broken", phonenumber: "01632 960001" });
    const whole = await one("site", "get", { siteId: String(siteId), simplify: false });
    has(whole, { ...short, client_name: name });
  }],

  ["updates a site and searches it", async () => {
    const updateFields = { name: `Pier ${mark}`, phonenumber: "01632 960002", client_id: String(clientId) };
    await one("site", "update", { siteId: String(siteId), updateFields });
    const updated = await one("site", "get", { siteId });
    has(updated, { ...updateFields, client_id: clientId, notes: "Bell is broken" });
    assert.deepEqual(ids(await run("site", "getAll", { filters: { search: `Pier ${mark}` } })), [siteId]);
  }],

  ["creates, gets, lists, updates and deletes a user", async () => {
    const additionalFields = { emailaddress: `${mark}@zephyr.example`, surname: "Okafor", notes: "On Mondays" };
    const created = await one("user", "create", { userName: `Ada ${mark}`, siteId, additionalFields });
    has(created, { name: `Ada ${mark}`, site_id: siteId, ...additionalFields, inactive: false });
    const userId = created.id;
    const found = await run("user", "getAll", { ...EVERYTHING, filters: { search: mark } });
    assert.deepEqual(ids(found), [userId]);
    isShortList("user", found);
    await one("user", "update", { userId: String(userId), updateFields: { surname: "Obi", inactive: true } });
    has(await one("user", "get", { userId }), { name: `Ada ${mark}`, surname: "Obi", inactive: true, site_id: siteId });
    assert.deepEqual(await run("user", "delete", { userId }), [{ success: true }]);
    const users = await run("user", "getAll", EVERYTHING);
    assert.ok(users.length > PAGE_SIZE, `only ${users.length} users: load the demo data`);
    isShortList("user", users);
  }],

  ["names a user of the client as a site's main contact", async () => {
    await one("user", "create", { userName: `Ibe ${mark}`, siteId });
    await one("site", "update", { siteId, updateFields: { maincontact_name: `Ibe ${mark}` } });
    has(await one("site", "get", { siteId }), { maincontact_name: `Ibe ${mark}` });
  }],

  ["gets all tickets, and gets and updates one", async () => {
    const all = await run("ticket", "getAll", EVERYTHING);
    assert.ok(all.length > PAGE_SIZE, `only ${all.length} tickets: load the demo data`);
    isShortList("ticket", all);
    assert.deepEqual(ids(await run("ticket", "getAll", { limit: LIMIT })), ids(all).slice(0, LIMIT));
    const [{ id, summary }] = all;
    has(await one("ticket", "get", { ticketId: id }), { id, summary });
    // The same text again: the ticket is not one of these checks.
    has(await one("ticket", "update", { ticketId: String(id), updateFields: { summary } }), { id, summary });
  }],

  ["runs once for each input item", async () => {
    const rows = await execute(node, account, "client", "get", [{ clientId }, { clientId: "1" }]);
    assert.deepEqual(rows.map((row) => [row.json.id, row.pairedItem.item]), [[clientId, 0], [1, 1]]);
  }],

  ["fills the drop-down lists", async () => {
    const lists = {};
    for (const method of Object.keys(node.methods.loadOptions)) {
      const options = await loadOptions(node, account, method);
      assert.ok(options.length > 0, `${method} is empty`);
      for (const option of options) {
        assert.ok(typeof option.name === "string" && option.name !== "", `${method}: ${JSON.stringify(option)}`);
        assert.ok(Number.isInteger(option.value), `${method}: ${JSON.stringify(option)}`);
      }
      lists[method] = options;
    }
    assert.deepEqual(Object.keys(lists).sort(), LISTS);
    const value = (method, text) => lists[method].find((option) => option.name === text)?.value;
    assert.equal(value("getHaloPSAClients", name), clientId);
    assert.equal(value("getHaloPSASites", `${name}/Pier ${mark}`), siteId);
    assert.ok(lists.getHaloPSASites.length > PAGE_SIZE, "more than one page of sites");
  }],

  ["shows the reason when a name is taken (400)", async () => {
    const again = () => run("client", "create", { clientName: name.toUpperCase() });
    const shown = await fails(400, ["Bad request", "must be unique"], again);
    // The second text when the reply's request id happens to have 403 in it.
    assert.match(shown, new RegExp(`^For field ID, ${clientId}$|permissions to post client`, "m"));
  }],

  ["is refused a taken name with ' - ' in it, whether or not it can read the reason", async () => {
    const both = `North - South ${mark}`;
    const { id } = await one("client", "create", { clientName: both });
    await assert.rejects(() => run("client", "create", { clientName: both }));
    const filters = { search: both };
    assert.deepEqual(ids(await run("client", "getAll", { ...EVERYTHING, filters })), [id]);
    assert.deepEqual(await run("client", "delete", { clientId: id }), [{ success: true }]);
  }],

  ["shows the reason when a value is wrong (400)", async () => {
    await fails(400, ["Bad request", "name must not be empty"], () => run("client", "create", { clientName: "" }));
    const updateFields = { client_id: "the first" };
    await fails(400, ["client_id must be an integer"], () => run("site", "update", { siteId, updateFields }));
    await fails(400, ["id must be a 32-bit integer"], () => run("client", "get", { clientId: "the first" }));
  }],

  ["shows the reason when an id is unknown (404)", async () => {
    const words = ["could not be found", `${UNKNOWN_ID} does not exist`];
    for (const operation of ["get", "delete"]) {
      await fails(404, words, () => run("client", operation, { clientId: UNKNOWN_ID }));
      await fails(404, words, () => run("site", operation, { siteId: UNKNOWN_ID }));
    }
    const updateFields = { notes: "nobody" };
    await fails(404, words, () => run("client", "update", { clientId: UNKNOWN_ID, updateFields }));
    const nowhere = { siteName: "Nowhere", selectOption: true, clientId: UNKNOWN_ID };
    await fails(400, [`client ${UNKNOWN_ID}`], () => run("site", "create", nowhere));
  }],

  ["goes on after an error when the node is set to", async () => {
    const items = [{ clientId: UNKNOWN_ID }, { clientId }];
    const rows = await execute(node, account, "client", "get", items, true);
    assert.deepEqual(rows[0].json, { error: "The resource you are requesting could not be found" });
    has(rows[1].json, { id: clientId, name });
  }],

  ["shows which record's deletion is refused, and why (400)", async () => {
    const [{ client_id: busy }] = await busyClients();
    await fails(400, ["Bad request", `client ${busy} is in use`], () => run("client", "delete", { clientId: busy }));
    has(await one("client", "get", { clientId: busy }), { id: busy });
  }],

  ["shows a missing right (403) and lets the application read", async () => {
    const usual = account;
    account = accounts.reader;
    try {
      has(await one("client", "get", { clientId }), { id: clientId });
      const words = ["Forbidden", "You don't have permissions to post client", "edit:customers"];
      await fails(403, words, () => run("client", "create", { clientName: "Not allowed" }));
    } finally {
      account = usual;
    }
  }],

  ["shows that the secret is wrong (401)", async () => {
    const words = ["Authorization failed", "invalid_client"];
    await fails(401, words, () => execute(node, accounts.wrong, "client", "getAll", [{}]));
    await fails(401, words, () => loadOptions(node, accounts.wrong, "getHaloPSAAgents"));
  }],

  ["deletes a site and a client", async () => {
    assert.deepEqual(await run("site", "delete", { siteId }), [{ success: true }]);
    await fails(404, [`site ${siteId} does not exist`], () => run("site", "get", { siteId }));
    assert.deepEqual(await run("client", "delete", { clientId: String(clientId) }), [{ success: true }]);
    await fails(404, [`client ${clientId} does not exist`], () => run("client", "get", { clientId }));
    assert.deepEqual(await run("site", "getAll", { filters: { search: mark } }), [], "its sites went with it");
  }],
];

/// Tickets of clients, so that the client has something that hangs on it.
async function busyClients() {
  const tickets = await run("ticket", "getAll", { limit: LIMIT, simplify: false });
  return tickets.filter((ticket) => ticket.client_id > 0);
}

/// The credentials as a person may set them up.
function setUp(HaloPSAApi, [baseUrl, client_id, client_secret, tenant]) {
  const base = baseUrl.replace(/\/+$/, "");
  const common = { authUrl: `${base}/auth`, resourceApiUrl: `${base}/api`, client_id, client_secret };
  const made = (values) => credentials(HaloPSAApi, { ...common, ...values });
  return {
    onPremise: made({ hostingType: "onPremise" }),
    hosted: made({ hostingType: "hostedHalo", tenant }),
    withoutAuth: made({ authUrl: base }),
    wrong: made({ client_secret: "wrong" }),
    // The form has no field for the scope: this is an application with fewer rights.
    reader: made({ scope: "read:customers" }),
  };
}

async function main([folder, ...server]) {
  if (server.length !== 4) {
    console.error("usage: run.mjs FOLDER BASE_URL CLIENT_ID CLIENT_SECRET TENANT");
    return 2;
  }
  let packages;
  try {
    packages = load(folder);
  } catch (error) {
    console.log(`FAILED to load the node from ${folder}: ${error.message}`);
    return 1;
  }
  const { HaloPSA, HaloPSAApi, versions } = packages;
  console.log(`${versions} from npm against ${server[0]}`);
  node = new HaloPSA();
  accounts = setUp(HaloPSAApi, server);
  account = accounts.hosted;
  for (const [title, check] of checks) {
    try {
      await check();
    } catch (error) {
      const reason = error.description ? ` (${error.description})` : "";
      console.log(`FAILED ${title}: ${error.name}: ${error.message}${reason}`);
      for (const line of lastExchanges()) console.log(`  ${line}`);
      return 1;
    }
    console.log(`ok ${title}`);
  }
  return 0;
}

// Without a limit the test that started this program would hang with it.
setTimeout(() => {
  console.log(`FAILED: not finished after ${TIME_LIMIT_MS / 1000} s`);
  process.exit(1);
}, TIME_LIMIT_MS).unref();
process.exitCode = await main(process.argv.slice(2));
