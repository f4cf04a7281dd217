// What stands in for Shopify's pixel manager on the local storefront: consent, events, and a worker for the app's pixel.
(() => {
  const { settings, page, source } = JSON.parse(document.getElementById('pixel-page').textContent);
  const allowed = () => !document.cookie.split('; ').includes('devstore_consent=no');
  const waiting = [];
  let worker = null;

  const id = (keep) => {
    const known = keep && localStorage.getItem('devstore_client');
    const made = known || crypto.randomUUID();
    if (keep) localStorage.setItem('devstore_client', made);
    return made;
  };
  const tell = (name, more) => {
    if (!allowed()) return;
    const event = { name, id: id(false), clientId: id(true), timestamp: new Date().toISOString(), ...more };
    if (worker) worker.postMessage({ event }); else waiting.push(event);
  };

  window.Shopify ??= {};
  Shopify.analytics = { publish: (name, customData) => tell(name, { type: 'custom', customData }) };
  Shopify.customerPrivacy = { analyticsProcessingAllowed: allowed };
  Shopify.loadFeatures = (_, ready) => queueMicrotask(() => ready());

  addEventListener('load', () => {
    if (!allowed()) return;
    worker = new Worker(source, { type: 'module' });
    worker.postMessage({ settings, consent: true });
    waiting.forEach((event) => worker.postMessage({ event }));
    tell('page_viewed', { type: 'standard', data: {} });
    if (page.product) tell('product_viewed', { type: 'standard', data: { productVariant: page.product } });
  });
})();
