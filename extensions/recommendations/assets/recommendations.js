// Optional: the lists are there without it, and stay as they are when anything in it fails.
(() => {
  const own = document.currentScript.dataset;
  const lists = () => [...document.querySelectorAll('.foretally-recs')];
  const publish = (name, data) => window.Shopify?.analytics?.publish?.(`foretally_${name}`, data);
  const told = (list, more) => ({ place: list.dataset.place, beside: list.dataset.beside, ...more });

  // Add to the cart without loading a page. What fails is sent as the plain form that it is.
  async function add(form) {
    const [button, list] = [form.querySelector('button'), form.closest('.foretally-recs')];
    if (button.ariaDisabled) return; // disabled outright, it would lose the focus
    button.ariaDisabled = 'true';
    try {
      const answer = await fetch(own.add, { method: 'POST', body: new FormData(form), headers: { Accept: 'application/json' } });
      if (!answer.ok) throw new Error(answer.status);
    } catch {
      button.ariaDisabled = null;
      form.submit();
      return;
    }
    if (own.page === 'cart') return location.reload();
    button.ariaDisabled = null;
    button.firstElementChild.textContent = list.dataset.added;
    document.dispatchEvent(new CustomEvent('foretally:added', { detail: { id: new FormData(form).get('id') } }));
  }

  // The whole cart decides the order. Never under the finger: a list that is in use stays as it is.
  async function order(list) {
    const answer = await fetch(`${own.ask}?product_ids=${own.cart.split(',').slice(0, 50)}&limit=20`);
    if (!answer.ok) return;
    const { product_ids: best } = await answer.json();
    if (list.matches(':hover, :focus-within')) return;
    const rank = (card) => (best.indexOf(Number(card.dataset.product)) + 1 || 99);
    const box = list.querySelector('ul');
    const cards = [...box.children].sort((a, b) => rank(a) - rank(b));
    cards.forEach((card, place) => { card.hidden = place >= Number(list.dataset.shown); });
    box.replaceChildren(...cards);
  }

  // Shopify's own recommendations where there is no list yet, put in before the shopper gets there.
  async function fall(template) {
    const list = template.content.querySelector('.foretally-recs');
    const answer = await fetch(template.dataset.foretallyFallback);
    const products = answer.ok ? (await answer.json()).products : [];
    if (!products.length) return;
    const money = new Intl.NumberFormat(template.dataset.locale, { style: 'currency', currency: template.dataset.currency });
    const blank = list.querySelector('li');
    blank.replaceWith(...products.map((product) => {
      const card = blank.cloneNode(true);
      const [link, price] = [card.querySelector('a'), card.querySelector('p')];
      link.href = product.url;
      card.querySelector('.foretally-recs__title').textContent = product.title;
      if (price) price.textContent = money.format(product.price / 100);
      card.dataset.product = product.id;
      if (product.featured_image) {
        const picture = Object.assign(new Image(720, 720), { src: product.featured_image, alt: '', loading: 'lazy' });
        picture.className = 'foretally-recs__image';
        link.firstElementChild.append(picture);
      }
      return card;
    }));
    template.replaceWith(template.content);
    watch(list);
  }

  const seen = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach(({ target }) => {
    seen.unobserve(target);
    publish('shown', told(target));
  }), { threshold: 0.25 });

  function watch(list) {
    seen.observe(list);
    list.addEventListener('submit', (event) => { event.preventDefault(); add(event.target); });
    list.addEventListener('click', (event) => {
      const card = event.target.closest('a') && event.target.closest('li');
      if (card) publish('clicked', told(list, { product: card.dataset.product }));
    });
  }

  document.querySelectorAll('[data-end]').forEach((end) => document.querySelector('main')?.append(end));
  lists().forEach(watch);
  document.querySelectorAll('[data-foretally-fallback]').forEach((one) => fall(one).catch(() => {}));
  const carts = lists().filter((list) => list.dataset.place === 'cart');
  if (own.ask && own.cart) carts.forEach((list) => order(list).catch(() => {}));
})();
