// Loads the HaloPSA node of the npm package n8n-nodes-base and gives it what it finds in n8n: its
// parameters, its credentials and a way to send requests.
//
// The node's code is left alone. Of n8n-workflow only the parts are loaded that the node uses, the
// class of its errors above all, so that an error says here what it says in n8n; the packages that
// n8n-workflow would load for other purposes are left out (see LEFT_OUT).

import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import Module, { createRequire } from "node:module";
import path from "node:path";
import zlib from "node:zlib";

const REQUEST_LIMIT_MS = 60_000;
/// A run that sends more than this turns pages without end.
const MOST_REQUESTS = 200;
const SHOWN_EXCHANGES = 4;
const SHOWN_CHARACTERS = 600;

/// Imports of n8n-workflow's module `utils` that the errors never call.
const LEFT_OUT = new Set([
  "@n8n/utils/sleep",
  "callsites",
  "esprima-next",
  "form-data",
  "jsonrepair",
  "lodash/merge",
  "xml2js",
]);

const exchanges = [];

/// The packages below `folder`/node_modules: the node's and the credential's class and the versions.
export function load(folder) {
  const root = path.resolve(folder, "node_modules");
  const require = createRequire(path.join(root, "host.js"));
  const workflow = () => {
    const parts = path.join(root, "n8n-workflow/dist/cjs");
    const { NodeApiError } = require(path.join(parts, "errors/node-api.error.js"));
    const { NodeConnectionTypes } = require(path.join(parts, "interfaces.js"));
    return only("n8n-workflow", { NodeApiError, NodeConnectionTypes });
  };
  const version = (name) =>
    JSON.parse(fs.readFileSync(path.join(root, name, "package.json"), "utf8")).version;
  return withStandIns(workflow, () => ({
    HaloPSA: require(path.join(root, "n8n-nodes-base/dist/nodes/HaloPSA/HaloPSA.node.js")).HaloPSA,
    HaloPSAApi: require(
      path.join(root, "n8n-nodes-base/dist/credentials/HaloPSAApi.credentials.js"),
    ).HaloPSAApi,
    versions: ["n8n-nodes-base", "n8n-workflow"].map((name) => `${name} ${version(name)}`).join(", "),
  }));
}

/// What a person fills in, over the defaults that the credential's form has (the scope is one).
export function credentials(HaloPSAApi, values) {
  const fields = new HaloPSAApi().properties;
  const known = new Set(fields.map((field) => field.name));
  for (const name of Object.keys(values)) {
    if (!known.has(name)) throw new Error(`the credential has no field ${name}`);
  }
  const all = { ...Object.fromEntries(fields.map((field) => [field.name, field.default])), ...values };
  // n8n leaves out the fields that the form hides.
  for (const { name, displayOptions } of fields) {
    if (!matches(displayOptions?.show, all)) delete all[name];
  }
  return all;
}

/// Runs the node once with an input item for each of `items` (its parameters beside resource and
/// operation); returns its output rows. `continueOnFail` is the node's setting of that name.
export async function execute(node, account, resource, operation, items, continueOnFail = false) {
  const values = items.map((parameters) => ({ resource, operation, ...parameters }));
  for (const item of values) refuseUnknown(node.description.properties, item);
  const context = {
    ...surroundings(account),
    getInputData: () => values.map(() => ({ json: {} })),
    getNodeParameter: (name, index) => parameter(node.description.properties, values[index], name),
    continueOnFail: () => continueOnFail,
  };
  const outputs = await node.execute.call(context);
  if (outputs.length !== 1) throw new Error(`the node has ${outputs.length} outputs, not one`);
  return outputs[0];
}

/// The entries of a drop-down list.
export async function loadOptions(node, account, method) {
  return await node.methods.loadOptions[method].call(surroundings(account));
}

/// What the button that tests the credential says.
export async function testCredential(node, account) {
  const { helpers, logger } = surroundings(account);
  const test = node.methods.credentialTest[node.description.credentials[0].testedBy];
  return await test.call({ helpers, logger }, { data: account });
}

/// The latest requests with their replies, one line each, tokens and secrets left out.
export function lastExchanges() {
  return exchanges.map((line) => line.slice(0, SHOWN_CHARACTERS));
}

function surroundings(account) {
  let sent = 0;
  const request = async (options) => {
    sent += 1;
    if (sent > MOST_REQUESTS) throw new Error(`the node sent more than ${MOST_REQUESTS} requests`);
    return await send(options);
  };
  return {
    getCredentials: async () => account,
    getNode: () => ({ name: "HaloPSA", type: "n8n-nodes-base.haloPSA", typeVersion: 1 }),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    helpers: {
      request,
      returnJsonArray: (data) => [data].flat().map((json) => ({ json })),
      constructExecutionMetaData: (rows, { itemData }) =>
        rows.map((row) => ({ ...row, pairedItem: itemData })),
    },
  };
}

/// A parameter's value, or its default when nothing was typed in.
function parameter(properties, values, name) {
  if (name in values) return values[name];
  const found = field(properties, values, name);
  if (!found) throw new Error(`the node asks for the parameter ${name}, which its form does not show`);
  return structuredClone(found.default);
}

/// Refuses parameters that the node's form does not have: they would be ignored in silence.
function refuseUnknown(properties, values) {
  for (const [name, value] of Object.entries(values)) {
    const found = field(properties, values, name);
    if (!found) throw new Error(`the node's form has no parameter ${name} here`);
    if (found.type !== "collection") continue;
    const unknown = Object.keys(value).find((key) => !found.options.some((option) => option.name === key));
    if (unknown) throw new Error(`the node's form has no field ${unknown} in ${name}`);
  }
}

/// The parameter of that name which the form shows beside `values`; several share a name.
function field(properties, values, name) {
  const all = { ...values };
  for (const property of properties) {
    const conditions = property.displayOptions?.show;
    if (!matches(conditions, all)) continue;
    if (property.name === name) return property;
    all[property.name] ??= property.default;
  }
  return undefined;
}

function matches(conditions, values) {
  return Object.entries(conditions ?? {}).every(([name, allowed]) => allowed.includes(values[name]));
}

/// Sends a request as n8n's `helpers.request` does, and fails as that does: the text of an error is
/// "STATUS - BODY", because the node cuts it apart again.
async function send({ method, uri, qs = {}, headers, body, form }) {
  const url = new URL(uri);
  for (const [name, value] of Object.entries(qs)) url.searchParams.append(name, String(value));
  const text = form ? new URLSearchParams(form).toString() : body && JSON.stringify(body);
  const all = { "User-Agent": "n8n", Accept: "application/json", ...headers };
  if (text !== undefined) all["Content-Length"] = Buffer.byteLength(text);
  const reply = await deliver(url, method, all, text);
  const hidden = form !== undefined;
  note(`${method} ${url.pathname}${url.search} ${hidden ? "(hidden)" : (text ?? "")}`, reply, hidden);
  const data = decoded(reply.text);
  if (reply.status >= 200 && reply.status < 300) return data === "" ? undefined : data;
  const error = new Error(`${reply.status} - ${JSON.stringify(data)}`);
  throw Object.assign(error, {
    statusCode: reply.status,
    status: reply.status,
    error: data,
    response: { headers: reply.headers, status: reply.status, statusText: reply.reason },
  });
}

function deliver(url, method, headers, text) {
  const { request } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, timeout: REQUEST_LIMIT_MS }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status, statusMessage: reason, headers: found } = response;
        try {
          const body = unpacked(Buffer.concat(parts), found["content-encoding"]);
          resolve({ status, reason, headers: found, text: body.toString("utf8") });
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`no reply within ${REQUEST_LIMIT_MS} ms`)));
    sent.on("error", reject);
    sent.end(text);
  });
}

function unpacked(bytes, encoding) {
  switch (encoding) {
    case undefined:
    case "identity":
      return bytes;
    case "gzip":
      return zlib.gunzipSync(bytes);
    case "deflate":
      return zlib.inflateSync(bytes);
    case "br":
      return zlib.brotliDecompressSync(bytes);
    default:
      throw new Error(`the reply has the encoding ${encoding}, which the node did not ask for`);
  }
}

/// A body that is no JSON stays a text, as in n8n.
function decoded(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function note(request, { status, text }, hidden) {
  exchanges.push(`${request} -> ${status} ${hidden && status < 300 ? "(hidden)" : text}`);
  if (exchanges.length > SHOWN_EXCHANGES) exchanges.shift();
}

/// Runs `action` while `n8n-workflow` means `workflow()` and what is left out a stand-in.
function withStandIns(workflow, action) {
  const original = Module._load;
  let loaded;
  Module._load = function (name, ...rest) {
    if (name === "n8n-workflow") return (loaded ??= workflow());
    if (LEFT_OUT.has(name)) return standIn(name);
    return original.call(this, name, ...rest);
  };
  try {
    return action();
  } finally {
    Module._load = original;
  }
}

/// Can be imported and passed on; a call is an error.
function standIn(name) {
  const refuse = () => {
    throw new Error(`${name} was called, which this host leaves out`);
  };
  return new Proxy(refuse, {
    get: (_, key) => (key === "__esModule" || typeof key === "symbol" ? undefined : standIn(`${name} ${key}`)),
    construct: refuse,
  });
}

/// `members`, and an error for any other name: a newer node may use more of the package.
function only(name, members) {
  return new Proxy(members, {
    get: (_, key) => {
      if (key in members || key === "__esModule" || typeof key === "symbol") return members[key];
      throw new Error(`the node uses ${key} of ${name}, which this host does not load`);
    },
  });
}
