/* Without Shopify's components, links, buttons and fields become the browser's own. */
export const plain = () => {
  const field = (host) => {
    const id = `plain-${Math.random().toString(36).slice(2)}`;
    const isSelect = host.localName === "s-select";
    const control = document.createElement(isSelect ? "select" : "input");
    if (isSelect) {
      for (const option of host.querySelectorAll("s-option")) {
        control.append(new Option(option.textContent.trim(), option.getAttribute("value")));
      }
      control.value = host.getAttribute("value");
    } else {
      control.type = { "s-number-field": "number", "s-date-field": "date", "s-checkbox": "checkbox" }[host.localName] || "search";
      for (const name of ["value", "min", "max", "step", "placeholder"]) {
        if (host.hasAttribute(name)) control.setAttribute(name, host.getAttribute(name));
      }
      control.checked = host.hasAttribute("checked");
    }
    control.name = host.getAttribute("name");
    control.id = id;
    const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: host.getAttribute("label") });
    if (host.getAttribute("labelaccessibilityvisibility") === "exclusive") label.className = "unseen";
    const more = document.createElement("p");
    more.textContent = host.getAttribute("error") || host.getAttribute("details") || "";
    more.className = host.hasAttribute("error") ? "wrong" : "";
    host.replaceChildren(...(control.type === "checkbox" ? [control, label] : [label, control]), more);
    host.className = "plain-field";
  };
  document.querySelectorAll("s-number-field, s-text-field, s-date-field, s-search-field, s-select, s-checkbox").forEach(field);
  for (const host of document.querySelectorAll("s-link, s-button")) {
    if (host.firstElementChild?.matches("a, button")) continue;
    const inner = document.createElement(host.hasAttribute("href") ? "a" : "button");
    for (const name of ["href", "target", "download", "type"]) {
      if (host.hasAttribute(name)) inner.setAttribute(name, host.getAttribute(name));
    }
    inner.append(...host.childNodes);
    host.append(inner);
  }
  for (const host of document.querySelectorAll("s-page, s-section[heading], s-banner[heading]")) {
    const tag = { "s-page": "h1", "s-section": "h2" }[host.localName] || "strong";
    host.prepend(Object.assign(document.createElement(tag), { textContent: host.getAttribute("heading") }));
    if (tag === "h1") host.setAttribute("role", "main");
    host.dataset.plain = "";
  }
  document.querySelector("s-app-nav")?.setAttribute("role", "navigation");
  for (const [tag, role] of Object.entries({ "s-table": "table", "s-table-header-row": "row", "s-table-row": "row", "s-table-body": "rowgroup", "s-table-header": "columnheader", "s-table-cell": "cell" })) {
    document.querySelectorAll(tag).forEach((host) => host.setAttribute("role", role));
  }
};
