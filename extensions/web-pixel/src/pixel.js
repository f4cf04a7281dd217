// What a visitor looked at, as ids. No names, no addresses, no page: the sandbox has none, and nothing here asks for more.

const number = (id) => Number(/\d+$/.exec(String(id ?? ''))?.[0]) || null;

/** Listen to the shop's events and tell the app, while the visitor allows analytics. */
export function start({ analytics, customerPrivacy, init, settings }) {
  // Shopify loads the pixel only with consent; should it be taken back on the same page, nothing more is sent.
  let allowed = init.customerPrivacy?.analyticsProcessingAllowed ?? true;
  customerPrivacy.subscribe('visitorConsentCollected', (event) => {
    allowed = event.customerPrivacy.analyticsProcessingAllowed;
  });

  // text/plain asks no permission of the browser beforehand. What is lost is lost: a hint more or less.
  const send = (event, told) => {
    if (!allowed) return;
    const body = JSON.stringify({
      shop: settings.shop, key: settings.key, event: event.id, browser: event.clientId, ...told,
    });
    fetch(settings.address, { method: 'POST', keepalive: true, headers: { 'Content-Type': 'text/plain' }, body }).catch(() => {});
  };

  const listen = (name, tell) => analytics.subscribe(name, (event) => send(event, tell(event)));
  listen('product_viewed', ({ data }) => ({ kind: 'viewed', product: number(data.productVariant?.product?.id) }));
  listen('checkout_completed', ({ data }) => ({ kind: 'ordered', order: number(data.checkout?.order?.id) }));
  listen('foretally_shown', ({ customData }) => ({ kind: 'shown', beside: number(customData?.beside) }));
  listen('foretally_clicked', ({ customData }) => ({
    kind: 'clicked', product: number(customData?.product), beside: number(customData?.beside),
  }));
  listen('foretally_met', ({ customData }) => ({
    kind: 'met', beside: number(customData?.beside), test: number(customData?.test), arm: customData?.arm,
  }));
}
