/* The admin around the app: gives it tokens, moves it, shows its links, toasts, progress and save bar.
   Messages are those App Bridge speaks, so that its real script works in here too. */
"use strict";
const config = JSON.parse(document.getElementById("config").textContent);
const frame = document.getElementById("frame");
const part = (id) => document.getElementById(id);
const hidden = new Set(["shop", "host", "id_token", "embedded", "locale", "session", "timestamp", "hmac"]);

const ask = async (path) => (await fetch(`/store/${config.handle}${path}`)).json();
const reply = (type, payload) =>
  frame.contentWindow.postMessage({ type: "dispatch", payload: { group: type.split("::")[1], type, payload } }, config.appOrigin);

const own = (path) => {
  const url = new URL(path, config.appOrigin);
  [...url.searchParams.keys()].filter((name) => hidden.has(name)).forEach((name) => url.searchParams.delete(name));
  return url.pathname + url.search;
};

async function open(path) {
  part("loading").hidden = false;
  const { src } = await ask(`/launch?path=${encodeURIComponent(own(path))}`);
  frame.src = src;
}

function follow(path, add) {
  const clean = own(path);
  const address = config.appPath + (clean === "/" ? "" : clean);
  if (add) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  const here = clean.split("?")[0];
  for (const link of document.querySelectorAll("[data-path]")) {
    const path = link.dataset.path;
    const isHere = path === "/" ? here === "/" : here === path || here.startsWith(`${path}/`);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function list(items) {
  part("links").replaceChildren(
    ...items.map(({ label, destination }) => {
      const link = document.createElement("a");
      const path = own(destination?.path || "/");
      link.href = config.appPath + path;
      link.dataset.path = path;
      link.textContent = label;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}

function toast({ id, message, isError, duration = 5000 }) {
  const note = document.createElement("div");
  note.className = isError ? "toast error" : "toast";
  note.dataset.id = id;
  note.textContent = message;
  part("toasts").append(note);
  setTimeout(() => note.remove(), duration);
}

async function grant({ scopes = [] }) {
  const isAllowed = confirm(`Allow Foretally: ${scopes.join(", ")}?`);
  if (isAllowed) {
    const body = JSON.stringify({ grant: scopes });
    await fetch(`/_dev/${config.handle}/scopes`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  }
  reply("APP::SCOPES::RESPOND", { result: isAllowed ? "granted-all" : "declined-all" });
}

const answers = {
  "APP::CLIENT::INITIALIZE": () => reply("APP::CLIENT::INITIALIZE"),
  "APP::SESSION_TOKEN::REQUEST": async () =>
    reply("APP::SESSION_TOKEN::RESPOND", { sessionToken: (await ask("/id-token")).idToken }),
  "APP::SCOPES::REQUEST": grant,
  "APP::LOADING::START": () => (part("loading").hidden = false),
  "APP::LOADING::STOP": () => (part("loading").hidden = true),
  "APP::TOAST::SHOW": toast,
  "APP::TOAST::CLEAR": ({ id }) => document.querySelector(`.toast[data-id="${CSS.escape(id)}"]`)?.remove(),
  "APP::TITLEBAR::UPDATE": ({ title }) => title && (frame.title = title),
  "APP::MENU::NAVIGATION_MENU::UPDATE": ({ items = [] }) => list(items),
  "APP::NAVIGATION::HISTORY::PUSH": ({ path }) => follow(path, true),
  "APP::NAVIGATION::HISTORY::REPLACE": ({ path }) => follow(path, false),
  "APP::NAVIGATION::REDIRECT::APP": ({ path }) => open(path),
  "APP::NAVIGATION::REDIRECT::REMOTE": ({ url }) => location.assign(url),
  "APP::CONTEXTUAL_SAVE_BAR::SHOW": () => (part("savebar").hidden = false),
  "APP::CONTEXTUAL_SAVE_BAR::HIDE": () => (part("savebar").hidden = true),
};

addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== config.appOrigin) return;
  const { type, payload } = event.data || {};
  if (type === "getState") {
    const state = { context: "Main", features: {}, staffMember: { id: "1", name: "Local staff", accountAccess: "full" } };
    frame.contentWindow.postMessage({ type: "getState", payload: state }, config.appOrigin);
  }
  if (type === "dispatch" && payload?.type in answers) answers[payload.type](payload.payload || {});
});

part("save").addEventListener("click", () => reply("APP::CONTEXTUAL_SAVE_BAR::SAVE"));
part("discard").addEventListener("click", () => reply("APP::CONTEXTUAL_SAVE_BAR::DISCARD"));
part("side").addEventListener("click", (event) => {
  const link = event.target.closest("[data-path]");
  if (!link || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  part("side").classList.remove("open");
  follow(link.dataset.path, true);
  open(link.dataset.path);
});
document.querySelector(".menu").addEventListener("click", (event) => {
  const isOpen = part("side").classList.toggle("open");
  event.currentTarget.setAttribute("aria-expanded", String(isOpen));
});
addEventListener("popstate", () => open(location.pathname.slice(config.appPath.length) + location.search || "/"));
frame.addEventListener("load", () => (part("loading").hidden = true));
open(config.path);
