/* Stand-ins for the Polaris web components the app uses: light DOM, real controls, roles. Never loaded in production. */
(() => {
  "use strict";
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("/* styles */");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child));
    return element;
  };
  const slotted = (host, name) => [...host.children].filter((child) => child.slot === name);
  const role = (name) => (host) => host.hasAttribute("role") || host.setAttribute("role", name);
  const plain = () => {};
  let ids = 0;
  const freshId = () => `s-${++ids}`;

  const level = (host) => {
    let depth = 2;
    for (let up = host.parentElement?.closest("s-section"); up; up = up.parentElement?.closest("s-section")) {
      if (up.getAttribute("heading")) depth += 1;
    }
    return Math.min(depth, 6);
  };

  const page = (host) => {
    host.setAttribute("role", "main");
    const [back, primary, secondary, aside] = ["breadcrumb-actions", "primary-action", "secondary-actions", "aside"].map(
      (name) => slotted(host, name),
    );
    const actions = make("div", { class: "s-page-actions" }, ...secondary, ...primary);
    const title = make("h1", {}, host.getAttribute("heading") || document.title);
    const head = make("div", { class: "s-page-head" }, ...back, title, actions.childNodes.length ? actions : null);
    const rest = make("div", { class: "s-page-main" }, ...host.childNodes);
    const side = aside.length ? make("div", { class: "s-page-aside" }, ...aside) : null;
    host.append(head, make("div", { class: side ? "s-page-body s-page-two" : "s-page-body" }, rest, side));
  };

  const section = (host) => {
    const heading = host.getAttribute("heading");
    const label = host.getAttribute("accessibilitylabel");
    if (heading) {
      const title = make(`h${level(host)}`, { class: "s-section-heading", id: freshId() }, heading);
      host.prepend(title);
      host.setAttribute("aria-labelledby", title.id);
    } else if (label) {
      host.setAttribute("aria-label", label);
    }
    if (heading || label) host.setAttribute("role", "region");
  };

  const banner = (host) => {
    const urgent = ["critical", "warning"].includes(host.getAttribute("tone"));
    host.setAttribute("role", urgent ? "alert" : "status");
    const heading = host.getAttribute("heading");
    const actions = slotted(host, "secondary-actions");
    const body = make("div", { class: "s-banner-body" }, ...[...host.childNodes].filter((node) => !actions.includes(node)));
    host.append(
      ...[
        heading && make("strong", { class: "s-banner-heading" }, heading),
        body,
        actions.length && make("div", { class: "s-banner-actions" }, ...actions),
      ].filter(Boolean),
    );
    if (host.hasAttribute("dismissible")) {
      const close = make("button", { type: "button", class: "s-banner-close", "aria-label": "Dismiss" }, "×");
      close.addEventListener("click", () => {
        host.hidden = true;
        host.dispatchEvent(new Event("dismiss"));
      });
      host.append(close);
    }
  };

  const button = (host) => {
    const href = host.getAttribute("href");
    const shared = {
      class: `s-control s-${host.getAttribute("variant") || "secondary"} s-tone-${host.getAttribute("tone") || "auto"}`,
      "aria-label": host.getAttribute("accessibilitylabel"),
    };
    const inner = href
      ? make("a", { ...shared, href, target: host.getAttribute("target"), download: host.getAttribute("download") })
      : make("button", { ...shared, type: host.getAttribute("type") || "button", disabled: host.hasAttribute("disabled") });
    inner.append(...host.childNodes);
    host.append(inner);
  };

  const link = (host) => {
    const inner = make("a", {
      href: host.getAttribute("href"),
      target: host.getAttribute("target"),
      download: host.getAttribute("download"),
      "aria-label": host.getAttribute("accessibilitylabel"),
    });
    inner.append(...host.childNodes);
    host.append(inner);
  };

  const field = (make_control) => (host) => {
    const id = freshId();
    const [label, details, error] = ["label", "details", "error"].map((name) => host.getAttribute(name));
    const control = make_control(host, {
      id,
      name: host.getAttribute("name"),
      disabled: host.hasAttribute("disabled"),
      required: host.hasAttribute("required"),
      "aria-describedby": details || error ? `${id}-more` : null,
      "aria-invalid": error ? "true" : null,
    });
    const hidden = host.getAttribute("labelaccessibilityvisibility") === "exclusive";
    const more = details || error
      ? make("div", { id: `${id}-more`, class: error ? "s-field-error" : "s-field-details" }, error || details)
      : null;
    const isChoice = control.type === "checkbox";
    const name = make("label", { for: id, class: hidden ? "s-hidden" : "s-label" }, label || "");
    const suffix = host.getAttribute("suffix");
    const box = isChoice ? control : make("div", { class: "s-input" }, control, suffix && make("span", { class: "s-suffix" }, suffix));
    host.replaceChildren(...(isChoice ? [make("div", { class: "s-choice" }, box, name), more] : [name, box, more]).filter(Boolean));
  };
  const input = (type) =>
    field((host, shared) => {
      const given = ["value", "min", "max", "step", "placeholder", "inputmode", "maxlength", "autocomplete"];
      const own = Object.fromEntries(given.map((name) => [name, host.getAttribute(name)]));
      return make("input", { ...own, ...shared, type });
    });
  const checkbox = field((host, shared) =>
    make("input", { ...shared, type: "checkbox", value: host.getAttribute("value") || "on", checked: host.hasAttribute("checked") }),
  );
  const select = field((host, shared) => {
    const wanted = host.getAttribute("value");
    const options = [...host.querySelectorAll("s-option")].map((option) =>
      make(
        "option",
        {
          value: option.getAttribute("value"),
          selected: option.hasAttribute("selected") || (wanted !== null && option.getAttribute("value") === wanted),
          disabled: option.hasAttribute("disabled"),
        },
        option.textContent.trim(),
      ),
    );
    return make("select", shared, ...options);
  });

  const cssLength = { none: "0", "small-500": "2px", "small-400": "4px", "small-300": "6px", "small-200": "8px", "small-100": "10px",
    small: "12px", base: "16px", large: "20px", "large-100": "24px", "large-200": "32px", "large-300": "40px", "large-400": "48px" };
  const layout = (host) => {
    const take = (attribute, property, values = {}) => {
      const value = host.getAttribute(attribute);
      if (value) host.style[property] = value.split(" ").map((part) => values[part] || part).join(" ");
    };
    [["gap", "gap"], ["rowgap", "rowGap"], ["columngap", "columnGap"], ["padding", "padding"],
      ["paddingblock", "paddingBlock"], ["paddinginline", "paddingInline"]].forEach(([a, p]) => take(a, p, cssLength));
    ["alignItems", "justifyContent", "justifyItems", "gridTemplateColumns", "gridColumn", "maxInlineSize", "minInlineSize", "inlineSize"]
      .forEach((property) => {
        const value = host.getAttribute(property.toLowerCase());
        if (value) host.style[property] = value;
      });
    if (host.getAttribute("border")?.startsWith("base")) host.classList.add("s-border");
  };

  const table = (host) => {
    host.setAttribute("role", "table");
    const name = host.closest("s-section")?.getAttribute("aria-label") || host.closest("s-section")?.getAttribute("heading");
    if (name) host.setAttribute("aria-label", name);
    const heads = [...host.querySelectorAll("s-table-header")];
    for (const row of host.querySelectorAll("s-table-body > s-table-row")) {
      [...row.children].forEach((cell, column) => {
        const head = heads[column];
        if (!head) return;
        cell.dataset.label = head.textContent.trim();
        cell.dataset.listSlot = head.getAttribute("listslot") || "labeled";
        if (["numeric", "currency"].includes(head.getAttribute("format"))) cell.dataset.numeric = "";
      });
    }
  };

  const upgrades = {
    "s-page": page,
    "s-section": section,
    "s-banner": banner,
    "s-button": button,
    "s-link": link,
    "s-heading": (host) => {
      host.setAttribute("role", "heading");
      host.setAttribute("aria-level", level(host));
    },
    "s-paragraph": role("paragraph"),
    "s-text": plain,
    "s-badge": plain,
    "s-divider": role("separator"),
    "s-spinner": (host) => {
      host.setAttribute("role", "img");
      host.setAttribute("aria-label", host.getAttribute("accessibilitylabel") || "Working");
    },
    "s-stack": layout,
    "s-grid": layout,
    "s-grid-item": layout,
    "s-box": layout,
    "s-unordered-list": role("list"),
    "s-list-item": role("listitem"),
    "s-number-field": input("number"),
    "s-text-field": input("text"),
    "s-date-field": input("date"),
    "s-search-field": input("search"),
    "s-checkbox": checkbox,
    "s-switch": checkbox,
    "s-select": select,
    "s-option": plain,
    "s-table": table,
    "s-table-header-row": role("row"),
    "s-table-header": role("columnheader"),
    "s-table-body": role("rowgroup"),
    "s-table-row": role("row"),
    "s-table-cell": role("cell"),
  };
  const defineAll = () => {
    for (const [tag, upgrade] of Object.entries(upgrades)) {
      if (customElements.get(tag)) continue;
      customElements.define(
        tag,
        class extends HTMLElement {
          connectedCallback() {
            if (this.isUpgraded) return;
            this.isUpgraded = true;
            upgrade(this);
          }
        },
      );
    }
  };
  /* Elements are built from their children, so they wait until the parser has them. */
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", defineAll);
  else defineAll();
})();
