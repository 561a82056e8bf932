// The console: which page the address asks for, and what stands around it.

import { make } from "./dom.js";
import { changes, list } from "./lists.js";
import { client, site } from "./records.js";
import { Problem, comeBack, get, isSignedIn, signIn, signOut } from "./session.js";

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const person = document.getElementById("person");
const spoken = document.getElementById("spoken");

/** Of the page that was asked for last: an answer that comes after another question is dropped. */
let asking = 0;

function page(path, asked) {
  const [name, id] = path.split("/");
  if (name === "clients" && id) return client(id);
  if (name === "sites" && id) return site(id);
  if (name === "changes") return changes(asked);
  if (["clients", "sites", "suppliers"].includes(name)) return list(name, asked);
  throw new Problem(404, "There is no such page.");
}

async function show() {
  const mine = ++asking;
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  if (!path) {
    location.replace("#/clients");
    return;
  }
  mark(path.split("/")[0]);
  main.setAttribute("aria-busy", "true");
  try {
    const shown = await page(path, new URLSearchParams(query));
    if (mine !== asking) return;
    document.title = `${shown.title} – Aureole`;
    main.replaceChildren(...shown.content.flat(Infinity).filter(Boolean));
    spoken.textContent = shown.spoken ?? shown.title;
    scrollTo(0, 0);
  } catch (error) {
    if (mine === asking) trouble(error);
  } finally {
    if (mine === asking) main.removeAttribute("aria-busy");
  }
}

function mark(name) {
  for (const link of nav.children) {
    if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function trouble(error) {
  if (!isSignedIn()) {
    welcome(error);
    return;
  }
  document.title = "Aureole";
  const sentence = error instanceof Problem ? error.message : `The server can't be reached (${error.message}).`;
  main.replaceChildren(
    make("p", { class: "alarm", role: "alert" }, sentence.charAt(0).toUpperCase() + sentence.slice(1)),
    // What is not there does not come with another try.
    error.status === 404 ? make("p", null, make("a", { href: "#/clients" }, "To the clients"))
      : make("button", { click: show }, "Try again"));
}

/** The page of somebody who is not signed in. */
function welcome(error) {
  document.title = "Aureole";
  nav.hidden = true;
  person.hidden = true;
  const begin = () => signIn().catch(welcome);
  main.replaceChildren(make("div", { class: "sheet sign-in" },
    make("h1", null, "Aureole"),
    make("p", { class: "under" }, "Clients and sites, as they are."),
    error ? make("p", { class: "alarm", role: "alert" }, error.message) : "",
    make("button", { class: "first", id: "sign-in", click: begin }, "Sign in")));
}

async function whoAmI() {
  const leave = async () => {
    await signOut();
    welcome();
  };
  const agent = await get("Agent/me").catch(() => null);
  person.replaceChildren(make("span", null, agent?.name ?? ""),
    make("button", { id: "sign-out", click: leave }, "Sign out"));
  person.hidden = false;
  nav.hidden = false;
}

async function start() {
  try {
    await comeBack();
  } catch (error) {
    welcome(error);
    return;
  }
  if (!isSignedIn()) {
    welcome();
    return;
  }
  await Promise.all([whoAmI(), show()]);
}

addEventListener("hashchange", () => { if (isSignedIn()) show(); });
start();
