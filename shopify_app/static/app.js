/* Makes the pages quicker to use; each of them works without. Forms travel by fetch, because only fetch carries the
   ID token of App Bridge: a form sent by the browser itself would arrive without one. */
(() => {
  "use strict";

  const forget = (...names) => {
    const address = new URL(location.href);
    names.forEach((name) => address.searchParams.delete(name));
    history.replaceState(history.state, "", address);
  };

  /* The token in the address was for this one load; it belongs in no history and no copied link. */
  forget("id_token", "hmac", "session", "timestamp");

  /* A page of ours; or, where there is none, the words that say why. */
  const get = async (url, options) => {
    const response = await fetch(url, { ...options, headers: { accept: "text/html" } });
    const html = await response.text();
    const next = new DOMParser().parseFromString(html, "text/html");
    if (!next.querySelector("s-page")) throw Error(`no page of ours at ${url}`);
    return { url: response.url, html, next, problem: next.querySelector("[data-problem]")?.textContent };
  };

  /* Where the keyboard is: the control's kind and what tells it from its like. */
  const CONTROLS = "s-select, s-search-field, s-number-field, s-text-field, s-date-field, s-checkbox, s-button, s-link, summary";
  const told = (one) => one.getAttribute("name") || [one.getAttribute("href"), one.getAttribute("accessibilityLabel"), one.textContent].join();
  const placed = () => {
    const one = document.activeElement?.closest(CONTROLS);
    return one && { kind: one.localName, told: told(one) };
  };
  const lead = (one) => (one?.querySelector("a, button, input, select") || one)?.focus();
  const back = (place) => place && lead([...document.querySelectorAll(place.kind)].find((one) => told(one) === place.told));

  /* Show another page in this one's place: the body changes, scripts and styles stay, and so does the keyboard. */
  const show = ({ url, next }, push) => {
    const place = placed();
    document.title = next.title;
    document.body.replaceChildren(...next.body.childNodes);
    if (push) history.pushState(null, "", url);
    enhance().then(() => {
      const wrong = document.querySelector("[error]");
      if (wrong) lead(wrong);
      else if (document.activeElement === document.body) back(place);
    });
  };

  /* Shopify's save bar has its own Save; it goes with what was sent, so after a refusal the page shows its own. */
  const saving = (isShown) =>
    document.querySelectorAll("[data-without-save-bar]").forEach((own) => {
      own.hidden = !isShown;
    });

  /* What was refused is said above the page as it is: what was typed stays. */
  const refuse = (words) => {
    document.querySelector(".refused")?.remove();
    const banner = Object.assign(document.createElement("s-banner"), { className: "refused", textContent: words });
    banner.setAttribute("tone", "critical");
    banner.setAttribute("heading", "That did not work");
    document.querySelector("s-page :is(s-banner, s-section, form)").before(banner);
    saving(true);
    scrollTo(0, 0);
  };

  const LOST = "That did not arrive. Check your connection and try again.";
  let asked = 0;
  const send = async (form) => {
    const mine = ++asked;
    const data = new URLSearchParams(new FormData(form));
    const url = new URL(form.getAttribute("action") || location.href, location.href);
    const isPost = form.method === "post";
    if (!isPost) url.search = data;
    form.setAttribute("aria-busy", "true");
    window.shopify?.loading?.(true);
    try {
      const page = await get(url, isPost ? { method: "POST", body: data } : {});
      if (mine !== asked) return; // another choice was made meanwhile
      if (page.problem) return refuse(page.problem);
      show(page, true);
      if (isPost) scrollTo(0, 0);
    } catch {
      refuse(LOST);
    } finally {
      form.removeAttribute("aria-busy");
      if (mine === asked) window.shopify?.loading?.(false);
    }
  };

  addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.matches("form[action^='/']")) return;
    event.preventDefault();
    if (event.target.method === "get" || event.target.getAttribute("aria-busy") !== "true") send(event.target);
  });
  addEventListener("change", (event) => event.target.closest?.("form[data-auto]")?.requestSubmit());
  addEventListener("popstate", () => location.reload());

  /* Files come by fetch too, for the same reason. */
  addEventListener(
    "click",
    async (event) => {
      const link = event.target.closest?.("a[download], s-button[download], s-link[download]");
      if (!link) return;
      event.preventDefault();
      event.stopPropagation();
      const response = await fetch(link.getAttribute("href")).catch(() => null);
      if (!response) return refuse(LOST);
      if (!response.ok) return refuse("There is no such file any more. Load the page again.");
      const save = Object.assign(document.createElement("a"), {
        href: URL.createObjectURL(await response.blob()),
        download: link.getAttribute("download"),
      });
      save.click();
      URL.revokeObjectURL(save.href);
    },
    true,
  );

  /* A permission is asked for by Shopify's own dialog, when the merchant clicks. */
  addEventListener("click", async (event) => {
    const scope = event.target.closest?.("[data-scope]")?.dataset.scope;
    if (!scope) return;
    const { result } = await window.shopify.scopes.request([scope]);
    if (result !== "granted-all") return;
    const page = await get(location.href);
    if (!page.problem) show(page, false);
  });

  /* Pages on which something is under way look again by themselves, and change only when there is news. */
  let waiting;
  let shown;
  const poll = () => {
    clearTimeout(waiting);
    const seconds = Number(document.querySelector("[data-poll]")?.dataset.poll);
    if (!seconds) return;
    waiting = setTimeout(async () => {
      const isReading = document.hidden || document.activeElement?.closest("form");
      try {
        const page = isReading ? null : await get(location.href);
        if (page && !page.problem && page.html !== shown) {
          shown = page.html;
          return show(page, false);
        }
      } catch {
        /* The next look may succeed. */
      }
      poll();
    }, seconds * 1000);
  };

  const toast = () => {
    const note = document.querySelector("[data-toast]");
    if (!note) return;
    /* It is told once: a page that looks again or is loaded again has done nothing new. */
    forget("said");
    if (!window.shopify?.toast) return;
    window.shopify.toast.show(note.textContent);
    note.remove();
  };

  /* Shopify's components may be late, or not come at all: then the browser's own take their place. */
  const late = () => new Promise((resolve) => setTimeout(resolve, 1500));
  const enhance = async () => {
    toast();
    poll();
    saving(!window.shopify?.saveBar || document.querySelector("[error]"));
    const scopes = document.querySelector("[data-needs-scopes]");
    if (scopes) scopes.hidden = !window.shopify?.scopes;
    if (window.uPlot) {
      const { chart } = await import("./chart.js");
      document.querySelectorAll("[data-chart]").forEach(chart);
    }
    await Promise.race([customElements.whenDefined("s-page"), late()]);
    if (!customElements.get("s-page")) (await import("./fallback.js")).plain();
  };

  if (document.readyState === "complete") enhance();
  else addEventListener("load", enhance);
})();
