// The pages that are recorded, and what is done on each. `reference` are options of the reference.

const IMAGE = '<img id="picture" src="/picture.bmp" width="300" height="200" alt="">';
const TEXT = '<h1>Words that are painted, more of them than anything else has</h1>';
const click = (page) => page.click('#target');
/** Clicks without asking the page first, or waiting for it. */
const clickAt = ({ mouse }, [x, y]) => Promise.all([mouse.move(x, y), mouse.down(), mouse.up()]);
const middle = (page) =>
  page.$eval('#target', (element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  });
const button = (handler) => `<button id="target">Target</button><script>target.onclick = () => { ${handler} };</script>`;

export const VISITS = [
  {
    name: 'slow-handler',
    body: `<div id="top"></div>${IMAGE}${button(`
      block(120);
      for (let width = 0; width < 400; width += 1) { picture.style.width = (300 - width % 5) + 'px'; picture.offsetWidth; }
      requestAnimationFrame(() => block(60));`)}
      <script>
        const shift = () => document.querySelector('#top').before(Object.assign(document.createElement('div'), { className: 'late' }));
        const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        window.shifted = (async () => { for (const ms of [50, 300, 1500, 200, 200]) { await after(ms); shift(); } await idle(); })();
      </script>`,
    async act(page) {
      await page.evaluate(() => window.shifted);
      await click(page);
    },
  },
  {
    name: 'busy-before',
    body: TEXT + button('block(20)'),
    async act(page) {
      const at = await middle(page);
      await page.evaluate(() => void setTimeout(() => block(200)));
      await clickAt(page, at);
    },
  },
  {
    name: 'handler-of-an-earlier-event',
    body: `${TEXT}${button('block(30)')}<script>target.onpointerover = () => block(400);</script>`,
    async act(page) {
      const [x, y] = await middle(page);
      const over = page.mouse.move(x, y);
      // By then the handler runs; it is what the click waits for.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await Promise.all([over, page.mouse.down(), page.mouse.up()]);
    },
  },
  {
    name: 'dialog',
    body: TEXT + button("block(60); alert('wait'); block(60)"),
    async act(page) {
      page.on('dialog', (dialog) => dialog.accept());
      await click(page);
    },
  },
  {
    name: 'keyboard',
    body: `${TEXT}<input id="field" aria-label="Field"><script>field.onkeydown = () => block(90); field.onkeyup = () => block(45);</script>`,
    async act(page) {
      await page.focus('#field');
      await page.keyboard.press('a', { delay: 60 });
    },
  },
  {
    name: 'many-interactions',
    body: TEXT + button('block(window.next)'),
    async act(page) {
      for (let index = 0; index < 56; index += 1) {
        await page.evaluate((ms) => (window.next = ms), index % 20 === 7 ? 90 + index : (index * 11) % 60);
        await click(page);
        await page.evaluate(() => idle());
      }
    },
  },
  { name: 'fast', body: TEXT + button(''), act: click },
  {
    name: 'soft-navigation',
    reference: { reportSoftNavs: true },
    body: `<main id="content">${TEXT}</main>${button(`
      block(30);
      history.pushState({}, '', '/soft-navigation?' + performance.now());
      content.innerHTML = '<p>Other words, many of them, that fill the page after the navigation</p><img src="/picture.bmp?' + performance.now() + '">';`)}`,
    async act(page) {
      for (const count of [1, 2]) {
        await click(page);
        await page.waitForFunction((wanted) => window.softNavigations() >= wanted, {}, count);
        await page.evaluate(() => idle());
      }
    },
  },
];
