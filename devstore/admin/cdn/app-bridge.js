/* Stand-in for Shopify's App Bridge: the part the app uses, on the same messages. Never loaded in production.
   Written from the public types and from observed behaviour; forms are left alone on purpose, as the real one does. */
(() => {
  "use strict";
  const query = new URLSearchParams(location.search);
  const kept = (() => {
    try {
      return JSON.parse(sessionStorage.getItem("app-bridge-config") || "{}");
    } catch {
      return {};
    }
  })();
  const meta = (name) => document.querySelector(`meta[name="shopify-${name}"]`)?.content;
  const config = Object.freeze({
    apiKey: meta("api-key") || document.currentScript?.dataset.apiKey || kept.apiKey,
    shop: query.get("shop") || kept.shop,
    host: query.get("host") || kept.host,
    locale: query.get("locale") || kept.locale || "en",
  });
  if (!config.apiKey || !config.shop) throw Error(`App Bridge: missing configuration: ${JSON.stringify(config)}`);
  try {
    sessionStorage.setItem("app-bridge-config", JSON.stringify(config));
  } catch {
    /* Storage may be refused in a third-party frame; the query carries everything then. */
  }

  if (window === window.top) {
    const place = config.host ? atob(config.host.replace(/-/g, "+").replace(/_/g, "/")) : `${config.shop}/admin`;
    const scheme = place.startsWith("localhost") ? "http" : "https";
    location.assign(`${scheme}://${place}/apps/${config.apiKey}${location.pathname}`);
    return;
  }

  /* Messages: {type: "dispatch", payload: {group, type: "APP::GROUP::ACTION", payload}, source: config}. */
  let parentOrigin = null;
  const shout = (word) => word.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
  const named = (action) => {
    const name = action.split(".").map(shout).join("::").replace("TITLE_BAR", "TITLEBAR");
    return `APP::${name}`;
  };
  const post = (type, payload) => window.parent.postMessage({ type, payload, source: config }, parentOrigin || "*");
  const send = (action, payload) => post("dispatch", { group: action.split(".")[0], type: named(action), payload });
  const listeners = new Map();
  const subscribe = (action, callback) => {
    const name = named(action);
    listeners.set(name, [...(listeners.get(name) || []), callback]);
    post("subscribe", { group: action.split(".")[0], type: name });
    return () => listeners.set(name, listeners.get(name).filter((known) => known !== callback));
  };
  const isAdmin = (origin) =>
    /^(admin\.shopify\.com|localhost)$/.test(new URL(origin).hostname) && origin !== location.origin;
  addEventListener("message", (event) => {
    if (event.source !== window.parent || !(parentOrigin ? event.origin === parentOrigin : isAdmin(event.origin))) return;
    parentOrigin = event.origin;
    const { type, payload } = event.data || {};
    if (type === "dispatch") (listeners.get(payload.type) || []).forEach((callback) => callback(payload.payload || {}));
  });

  const idToken = () =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(Error("The admin did not answer with an ID token")), 10000);
      const stop = subscribe("SessionToken.respond", ({ sessionToken }) => {
        clearTimeout(late);
        stop();
        resolve(sessionToken);
      });
      send("SessionToken.request");
    });

  /* fetch to the app's own host carries the token; a token gone stale in between is replaced once. */
  const plainFetch = window.fetch.bind(window);
  window.fetch = async (resource, options = {}) => {
    const asked = new Request(resource, options);
    if (new URL(asked.url).hostname !== location.hostname || asked.headers.has("Authorization")) {
      return plainFetch(resource, options);
    }
    const attempt = async () => {
      const request = asked.clone();
      request.headers.set("Authorization", `Bearer ${await idToken()}`);
      request.headers.set("X-Requested-With", "XMLHttpRequest");
      return plainFetch(request);
    };
    const response = await attempt();
    return response.headers.has("X-Shopify-Retry-Invalid-Session-Request") ? attempt() : response;
  };

  /* The bounce page: fetch the wanted address with a token and become it. */
  const reload = query.get("shopify-reload");
  if (reload && !query.get("id_token")) {
    const target = new URL(reload, location.origin);
    if (target.origin !== location.origin) throw Error("shopify-reload must stay on the app's own origin");
    window.fetch(target, { headers: { accept: "text/html", "X-Shopify-Bounce": "1" } })
      .then((response) => response.text())
      .then((html) => {
        history.replaceState(null, "", target);
        document.open();
        document.write(html);
        document.close();
      });
  }

  let toasts = 0;
  const saveBars = new Set();
  const shopify = {
    config,
    ready: Promise.resolve(),
    environment: { mobile: false, embedded: true, pos: false },
    idToken,
    origin: location.origin,
    loading: (isLoading = true) => send(isLoading ? "Loading.start" : "Loading.stop"),
    toast: {
      show(message, { duration = 5000, isError = false } = {}) {
        const id = `toast-${++toasts}`;
        send("Toast.show", { id, message, duration, isError });
        return id;
      },
      hide: (id) => send("Toast.clear", { id }),
    },
    saveBar: {
      async show(id) {
        saveBars.add(id);
        send("ContextualSaveBar.show", { id });
      },
      async hide(id) {
        saveBars.delete(id);
        send("ContextualSaveBar.hide", { id });
      },
      async leaveConfirmation() {
        if (saveBars.size && !window.confirm("Leave this page with unsaved changes?")) throw Error("Staying");
      },
    },
    scopes: {
      request: (scopes) =>
        new Promise((resolve) => {
          const stop = subscribe("Scopes.respond", (answer) => {
            stop();
            resolve(answer);
          });
          send("Scopes.request", { scopes });
        }),
    },
    user: async () => ({ id: "1", accountAccess: "full" }),
    app: { extensions: async () => [] },
  };
  window.shopify = Object.assign(window.shopify || {}, shopify);

  /* Links to the app's own pages load with a fresh token; the admin's address follows. */
  const navigate = async (url) => {
    await shopify.saveBar.leaveConfirmation();
    shopify.loading(true);
    const given = { shop: config.shop, host: config.host, embedded: "1", id_token: await idToken() };
    Object.entries(given).forEach(([name, value]) => value && url.searchParams.set(name, value));
    location.assign(url);
  };
  addEventListener("click", (event) => {
    const link = event.composedPath().find((node) => node.matches?.("a[href], s-link[href], s-clickable[href]"));
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const url = new URL(link.getAttribute("href"), location.href);
    const stays = !link.target || link.target === "_self" || link.target === "auto";
    if (!stays || url.origin !== location.origin || link.hasAttribute("download")) return;
    if (url.hash && url.pathname === location.pathname) return;
    event.preventDefault();
    navigate(url).catch(() => {});
  });

  /* A form marked data-save-bar shows the admin's Save and Discard as soon as something is typed. */
  const savedForm = (node) => node.closest?.("form[data-save-bar]");
  const onInput = (event) => savedForm(event.target) && shopify.saveBar.show("form");
  addEventListener("input", onInput);
  addEventListener("change", onInput);
  addEventListener("submit", (event) => savedForm(event.target) && shopify.saveBar.hide("form"));
  addEventListener("reset", (event) => savedForm(event.target) && shopify.saveBar.hide("form"));
  subscribe("ContextualSaveBar.save", () => document.querySelector("form[data-save-bar]")?.requestSubmit());
  subscribe("ContextualSaveBar.discard", () => document.querySelector("form[data-save-bar]")?.reset());

  /* The app's navigation belongs to the admin, so that the page itself shows nothing of it. */
  customElements.get("s-app-nav") ||
    customElements.define("s-app-nav", class extends HTMLElement {
      connectedCallback() {
        this.hidden = true;
      }
    });
  const ownPath = () => {
    const url = new URL(location.href);
    ["shop", "host", "id_token", "embedded", "locale", "session", "timestamp", "hmac"].forEach((name) =>
      url.searchParams.delete(name),
    );
    return url.pathname + url.search;
  };
  const handOver = () => {
    const links = [...document.querySelectorAll("s-app-nav > a, s-app-nav > s-link")];
    const items = links
      .filter((link) => link.getAttribute("rel") !== "home")
      .map((link) => ({ label: link.textContent.trim(), destination: { path: link.getAttribute("href") } }));
    send("Menu.navigationMenu.update", { items });
    send("TitleBar.update", { title: document.title });
    send("Navigation.history.replace", { path: ownPath() });
    send("Loading.stop");
  };
  const pushState = history.pushState.bind(history);
  history.pushState = (...given) => {
    pushState(...given);
    handOver();
  };
  send("Client.initialize");
  if (!reload) {
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", handOver);
    else handOver();
  }
})();
