import { init, trackPageView, trackUserAction } from 'beamline-rum';
import { lamps } from './lamps.js';

init({ key: 'demo', endpoint: BEACON_ENDPOINT, release: '1.0.0', env: 'demo' });

const view = document.querySelector('main');
const status = document.querySelector('#status');
const basket = [];

const say = (text) => (status.textContent = text);
const price = (cents) => new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' }).format(cents / 100);

// What a user can do. Each button names its action in `data-do`.
const actions = {
  add(lamp) {
    basket.push(lamp);
    document.querySelector('#basket').textContent = basket.length;
    say(`${lamp.name} is in your basket.`);
    trackUserAction('add_to_basket', 'shop', lamp.cents / 100);
  },

  // A slow handler: the page cannot answer for a quarter of a second.
  brighten() {
    const until = performance.now() + 250;
    while (performance.now() < until);
    view.querySelector('.lamps').append(...[...view.querySelectorAll('.lamp')].reverse());
    say('Sorted by brightness.');
  },

  // A defect: the voucher was never loaded.
  voucher() {
    const voucher = undefined;
    say(`You save ${voucher.percent} %.`);
  },

  // Another: nobody handles the failure.
  stock() {
    say('Asking the warehouse …');
    Promise.reject(new Error('the warehouse does not answer'));
  },
};

const card = (lamp) => `
  <article class="lamp">
    <a href="/lamp/${lamp.id}"><img src="/${lamp.id}.svg" alt="" width="320" height="240"><h3>${lamp.name}</h3></a>
    <p>${lamp.text}</p>
    <footer><strong>${price(lamp.cents)}</strong><button data-do="add" data-lamp="${lamp.id}">Add to basket</button></footer>
  </article>`;

const pages = {
  home: () => `
    <section class="hero">
      <img src="/hero.svg" alt="A window at dusk with three lamps behind it" width="1600" height="700" fetchpriority="high">
      <div><h1>Light for the long evenings</h1><p>Six lamps, made one at a time, repaired for life.</p></div>
    </section>
    <nav class="bar" aria-label="Shop">
      <h2>Lamps</h2>
      <button data-do="brighten">Sort by brightness</button>
      <button data-do="voucher">Apply voucher</button>
      <button data-do="stock">Check stock</button>
    </nav>
    <section class="lamps">${lamps.map(card).join('')}</section>`,

  lamp: (lamp) => `
    <section class="detail">
      <img src="/${lamp.id}.svg" alt="" width="640" height="480">
      <div>
        <a href="/">← All lamps</a>
        <h1>${lamp.name}</h1>
        <p>${lamp.text}</p>
        <p>${lamp.lumens} lumens, 2700 kelvin. Delivered in three days.</p>
        <p><strong>${price(lamp.cents)}</strong></p>
        <button data-do="add" data-lamp="${lamp.id}">Add to basket</button>
      </div>
    </section>`,
};

function show() {
  const lamp = lamps.find(({ id }) => location.pathname === `/lamp/${id}`);
  document.title = lamp ? `${lamp.name} · Lumen & Daughters` : 'Lumen & Daughters';
  view.innerHTML = lamp ? pages.lamp(lamp) : pages.home();
  trackPageView(lamp ? 'lamp' : 'home');
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="/"]');
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    history.pushState(null, '', link.href);
    show();
    scrollTo(0, 0);
    return;
  }
  const button = event.target.closest('[data-do]');
  if (button) actions[button.dataset.do](lamps.find(({ id }) => id === button.dataset.lamp));
});
addEventListener('popstate', show);
show();

// News that arrives late and pushes the page down: a layout shift, as on many a real page.
requestIdleCallback(() => {
  setTimeout(() => {
    document.querySelector('#news').textContent = 'Free delivery until Sunday.';
  }, 300);
});
