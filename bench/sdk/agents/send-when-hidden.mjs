// The library measures and leaves sending to its user. This is the transport that its documentation shows.

const queue = new Map();

addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'hidden' || queue.size === 0) return;
  navigator.sendBeacon('http://collector.localhost/vitals', JSON.stringify([...queue.values()]));
  queue.clear();
});

export function sendWhenHidden({ name, value, id, rating, delta, navigationType, attribution }) {
  queue.set(name, { name, value, id, rating, delta, navigationType, attribution: attribution && plain(attribution) });
}

/** What can be sent of it: entries of the browser, which hold elements, stay in the page. */
function plain(attribution) {
  return Object.fromEntries(Object.entries(attribution).filter(([, value]) => ['number', 'string'].includes(typeof value)));
}
