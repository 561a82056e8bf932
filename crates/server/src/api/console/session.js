// Who is signed in, and requests with that person's token. Tokens are kept for this tab alone.

const APPLICATION = "aureole-console";
const SCOPES = "read:customers read:crm read:suppliers read:items read:invoices read:contracts read:tickets";
const KEPT = "aureole.session";
const BEGUN = "aureole.sign-in";
/** A token is renewed when it ends within so many milliseconds. */
const EARLY_MS = 30_000;

/** The address of the server, without the console's own path. */
const base = location.origin + location.pathname.replace(/\/+(api\/+)?console\/*$/i, "");
const back = `${base}/console`;

/** A reply that is no success. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function session() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

function keep(tokens, of) {
  sessionStorage.setItem(KEPT, JSON.stringify({
    access: tokens.access_token,
    refresh: tokens.refresh_token,
    ends: Date.now() + tokens.expires_in * 1000,
    tenant: of,
  }));
}

export function isSignedIn() {
  return session() !== null;
}

async function tokens(fields) {
  const reply = await fetch(`${base}/auth/token`, { method: "POST", body: new URLSearchParams(fields) });
  const body = await reply.json();
  if (!reply.ok) throw new Problem(reply.status, body.error_description ?? body.error);
  return body;
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** Sends the browser to the page where people sign in. */
export async function signIn() {
  if (!crypto.subtle) {
    throw new Problem(0, "A browser signs in over HTTPS or at localhost only. Open the console at such an address.");
  }
  const tenant = new URLSearchParams(location.search).get("tenant") ?? "";
  const begun = { verifier: random(), state: random(), tenant, hash: location.hash };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(begun.verifier));
  sessionStorage.setItem(BEGUN, JSON.stringify(begun));
  const query = new URLSearchParams({
    response_type: "code", client_id: APPLICATION, redirect_uri: back, scope: SCOPES, state: begun.state,
    code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: "S256",
  });
  if (tenant) query.set("tenant", tenant);
  location.assign(`${base}/auth/authorize?${query}`);
}

/** Takes the code that the sign-in page sent along; fails with what it said instead. */
export async function comeBack() {
  const query = new URLSearchParams(location.search);
  if (!query.has("code") && !query.has("error")) return;
  const begun = JSON.parse(sessionStorage.getItem(BEGUN) ?? "null");
  sessionStorage.removeItem(BEGUN);
  const search = begun?.tenant ? `?${new URLSearchParams({ tenant: begun.tenant })}` : "";
  history.replaceState(null, "", location.pathname + search + (begun?.hash ?? ""));
  if (!begun || query.get("state") !== begun.state) {
    throw new Problem(400, "This is not the signing in that was begun in this tab. Please try again.");
  }
  if (query.has("error")) throw new Problem(403, query.get("error_description") ?? query.get("error"));
  keep(await tokens({
    grant_type: "authorization_code", client_id: APPLICATION, code: query.get("code"), redirect_uri: back,
    code_verifier: begun.verifier, tenant: begun.tenant,
  }), begun.tenant);
}

let renewing = null;

/** A refresh token is good for one use, so that requests at the same time share it. */
function renew() {
  renewing ??= renewNow().finally(() => { renewing = null; });
  return renewing;
}

async function renewNow() {
  const now = session();
  try {
    keep(await tokens({
      grant_type: "refresh_token", client_id: APPLICATION, refresh_token: now.refresh, tenant: now.tenant,
    }), now.tenant);
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    sessionStorage.removeItem(KEPT);
    throw new Problem(401, "Your session has ended. Please sign in again.");
  }
}

export async function signOut() {
  const now = session();
  sessionStorage.removeItem(KEPT);
  if (!now) return;
  const body = new URLSearchParams({ client_id: APPLICATION, token: now.refresh, tenant: now.tenant });
  await fetch(`${base}/auth/revoke`, { method: "POST", body });
}

/** GET of the API: `get("Client", { page_no: 2 })`. */
export async function get(path, params = {}) {
  if (!session()) throw new Problem(401, "Please sign in.");
  if (session().ends < Date.now() + EARLY_MS) await renew();
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "" && value !== undefined));
  const ask = () => fetch(`${base}/api/${path}?${query}`, { headers: { authorization: `Bearer ${session().access}` } });
  let reply = await ask();
  if (reply.status === 401) {
    await renew();
    reply = await ask();
  }
  const body = await reply.json();
  if (!reply.ok) throw new Problem(reply.status, body.Message ?? `The server answered ${reply.status}.`);
  return body;
}
