// Runs the pixel as Shopify's strict sandbox does: a worker without page, window, storage or require; only what it is handed.
// Reads steps from stdin, prints what was sent.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';

const [folder] = process.argv.slice(2);
const { consent, settings, steps } = JSON.parse(readFileSync(0, 'utf8'));
const sent = [];
const heard = new Map();
const privacy = new Map();
const subscribe = (book) => (name, callback) => { book.set(name, callback); return () => book.delete(name); };
const api = {
  settings,
  analytics: { subscribe: subscribe(heard) },
  customerPrivacy: { subscribe: subscribe(privacy) },
  init: { context: {}, data: {}, customerPrivacy: consent === null ? undefined : { analyticsProcessingAllowed: consent } },
  browser: new Proxy({}, { get() { throw new Error('the pixel touched cookies or storage'); } }),
};

const context = vm.createContext({ fetch: (url, options) => { sent.push([url, options]); return Promise.reject(new Error('offline')); } });
const load = (path) => new vm.SourceTextModule(readFileSync(path, 'utf8'), { context, identifier: path });
const shopify = new vm.SyntheticModule(['register'], function () { this.setExport('register', (start) => start(api)); }, { context });
const index = load(join(folder, 'src/index.js'));
await index.link((name) => (name === '@shopify/web-pixels-extension' ? shopify : load(join(folder, 'src', name))));
await index.evaluate();

for (const step of steps) {
  if (step.consent !== undefined) {
    privacy.get('visitorConsentCollected')({ customerPrivacy: { analyticsProcessingAllowed: step.consent } });
  } else {
    heard.get(step.name)({ id: step.id ?? 'e1', clientId: 'c1', data: step.data, customData: step.customData });
  }
}
await new Promise((resolve) => setTimeout(resolve));
console.log(JSON.stringify({ sent, heard: [...heard.keys()] }));
