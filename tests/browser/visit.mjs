// Drives one real visit through a running shop: `node visit.mjs <shop address>`.
//
// Prints one line of JSON, what the visit must have left behind, then keeps the browser open until standard input ends: a beacon of
// a hidden page is still on its way when the page is done with it.

import { startBrowser } from './harness/browser.mjs';
import { EXPECTED, shop } from './harness/shopping.mjs';

const [, , url] = process.argv;
if (!url) {
  console.error('usage: node visit.mjs <shop address>');
  process.exit(2);
}

const browser = await startBrowser();
try {
  const page = await browser.openPage();
  await shop(page, url);
  const { errors, console: lines, cookies } = await page.troubles();
  console.log(JSON.stringify({ expected: EXPECTED, page: { errors, console: lines, cookies } }));
  for await (const _ of process.stdin);
} finally {
  await browser.close();
}
