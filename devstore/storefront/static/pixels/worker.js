// The strict sandbox: a worker without a page, in which the app's pixel gets what Shopify's types promise, and no more.
import { started } from './register.js';

const heard = new Map();
const privacy = new Map();
const book = (held) => ({ subscribe: (name, callback) => { held.set(name, callback); return () => held.delete(name); } });
const none = async () => { throw new Error('the local storefront keeps nothing for pixels'); };
const storage = { getItem: none, setItem: none, removeItem: none, get: none, set: none };
const queue = [];
let runs = false;

onmessage = async ({ data }) => {
  if (data.event) {
    if (runs) heard.get(data.event.name)?.(data.event); else queue.push(data.event);
    return;
  }
  await import('./index.js');
  (await started)({
    settings: data.settings,
    analytics: book(heard),
    customerPrivacy: book(privacy),
    init: { context: {}, data: {}, customerPrivacy: { analyticsProcessingAllowed: data.consent } },
    browser: { cookie: storage, localStorage: storage, sessionStorage: storage },
  });
  runs = true;
  queue.forEach((event) => heard.get(event.name)?.(event));
};
