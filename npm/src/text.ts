/** Personal data and secrets in texts, and what they are replaced by. The service looks once more: `ingest/src/pipeline/scrub.rs`. */
const PERSONAL: [RegExp, string][] = [
  [/(:\/\/)[^\s/?#@"'<>]+@/g, '$1'],
  [/[\w.+'%\u0080-\uffff-]{1,64}(@|%40)[\w\u0080-\uffff-]+(\.[\w\u0080-\uffff-]+)+/g, '[email]'],
  [/\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?|\b[srp]k_(live|test)_\w+|\bAKIA\w{12,}|\bgh[a-z]_\w{20,}|\bxox[a-z]-[\w-]{10,}/g, '[token]'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 [token]'],
  [/(pass(?:word|wd|phrase)?|secret|token|api[_-]?key|session[_-]?id|authorization)(["']?\s*[:=]\s*["']?)(?!\[)[^\s"'&,;)}\]]+/gi, '$1$2[secret]'],
  [/\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){3,7}(?: ?[A-Z\d]{1,3})?\b/g, '[account]'],
  [/\+\d(?:[ ().-]?\d){7,}/g, '[phone]'],
  [/\d(?:[ -]?\d){12,}/g, '[card]'],
  [/\d{9,}|\b\d{3}-\d{2}-\d{4}\b|\(\d{3}\) ?\d{3}-\d{4}\b|\b\d{3}-\d{3}-\d{4}\b/g, '[number]'],
  // The host of an address is the page's, not a person's.
  [/(^|[^\w./])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])/g, '$1[ip]'],
  [/\b(?:[\da-f]{1,4}:){7}[\da-f]{1,4}\b|\b(?:[\da-f]{1,4}:){2,6}(?::[\da-f]{1,4}){1,5}\b/gi, '[ip]'],
];

/** The text without what names a person or opens a door. */
export const scrubbed = (text: string): string => PERSONAL.reduce((text, [found, by]) => text.replace(found, by), text);
