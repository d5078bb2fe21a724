const SESSION_KEY = 'beamline';

/** The stored session record; `undefined` without one, and where the page may not store anything. Merely asking may throw. */
export const storedSession = (): string | undefined => {
  try {
    return (localStorage.getItem(SESSION_KEY) ?? sessionStorage.getItem(SESSION_KEY)) || undefined;
  } catch {
    return undefined;
  }
};

/** Stores the session record, if the page may store anything. */
export const storeSession = (record: string): void => {
  for (const storage of ['localStorage', 'sessionStorage'] as const) {
    try {
      return window[storage].setItem(SESSION_KEY, record);
    } catch {
      // The next one, or the page's memory alone.
    }
  }
};
