/** Beacons that may not have arrived when a page is left. The next page of the site sends them again, under the same id. */

const PREFIX = 'beamline:';
/** Most beacons that are kept, of all tabs together. */
const MOST_KEPT = 8;
/** How long the service recognises a beacon that it took, less a margin: one that was sent must not be sent after that. */
const LONGEST_IF_SENT_MS = 50 * 60_000;
const LONGEST_MS = 24 * 3_600_000;

const keys = (): string[] => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

const attempt = <T>(task: () => T): T | undefined => {
  try {
    return task();
  } catch {
    // The page may not store anything, or no more.
    return undefined;
  }
};

/** Keeps a beacon under a name that no other page has. */
export const keep = (name: string, body: string): void =>
  void attempt(() => {
    if (keys().length < MOST_KEPT) localStorage.setItem(PREFIX + name, [Date.now(), Number(navigator.onLine), body].join(' '));
  });

export const forget = (name: string): void => void attempt(() => localStorage.removeItem(PREFIX + name));

/** What other pages kept, as it is to be sent now. What is too old is forgotten. */
export const leftovers = (): [name: string, body: string][] =>
  attempt(() =>
    keys().flatMap((key): [string, string][] => {
      const [, kept, sent, body] = /^(\d+) ([01]) (.*)$/s.exec(localStorage.getItem(key)!) ?? [];
      const age = Date.now() - Number(kept);
      if (!body || !(Math.abs(age) < (sent === '1' ? LONGEST_IF_SENT_MS : LONGEST_MS))) {
        localStorage.removeItem(key);
        return [];
      }
      return [[key.slice(PREFIX.length), body.replace(/("sent_at_ms":)\d+}$/, `$1${Date.now()}}`)]];
    }),
  ) ?? [];

/** Nothing of ours is stored any more. */
export const erase = (): void =>
  void attempt(() => {
    for (const key of ['beamline', 'beamline-js', ...keys()]) {
      localStorage.removeItem(key);
      sessionStorage.removeItem(key);
    }
  });
