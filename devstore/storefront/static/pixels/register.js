// Stands in for @shopify/web-pixels-extension.
let begin;
export const started = new Promise((resolve) => { begin = resolve; });
export const register = (start) => begin(start);
