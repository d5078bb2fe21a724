// What several scenarios say.

/** The metrics of a page that was loaded, painted, and left alone. */
export const LOADED = ['CLS', 'FCP', 'LCP', 'TTFB'];

/** The metrics of a page that was used as well. */
export const USED = [...LOADED, 'FID', 'INP'];

/** Calls of both libraries: every metric, and every change of it. */
export const EVERY_CHANGE = () =>
  ['onCLS', 'onFCP', 'onINP', 'onLCP', 'onTTFB', 'onFID'].map((name) => [name, { reportAllChanges: true }]);

/** Calls of both libraries: every metric, and soft navigations. */
export const SOFT_NAVIGATIONS = () =>
  ['onCLS', 'onFCP', 'onINP', 'onLCP', 'onTTFB'].map((name) => [name, { reportSoftNavs: true }]);

/** Waits until the element with this id, or of this tag, is the largest that was painted. */
export const untilLargest = (name) => (tab) => tab.evaluate((element) => oracle.largest(element ?? undefined), name ?? null);

/** Waits until this many layout shifts were seen. */
export const untilShifted = (count) => (tab) => tab.evaluate((shifts) => oracle.shifted(shifts), count);

/** Clicks, and waits until so many interactions were seen since the page began. */
export async function click(tab, selector, interactions) {
  await tab.click(selector);
  await tab.evaluate((count) => oracle.interacted(count), interactions);
}

/** Presses a key, likewise. */
export async function press(tab, key, interactions) {
  await tab.press(key);
  await tab.evaluate((count) => oracle.interacted(count), interactions);
}

/** Opens a page whose libraries start later, and does something before they do. */
export async function startAfter(tab, url, before) {
  await tab.goto(url);
  await before();
  await tab.evaluate(() => oracle.startNow());
  await tab.evaluate(() => oracle.settled());
}
