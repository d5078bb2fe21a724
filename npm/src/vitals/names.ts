/** What the core's small numbers are called. */

/** In the order of `LoadState`. */
export const LOAD_STATES = ['loading', 'dom-interactive', 'dom-content-loaded', 'complete'];

/** In the order of `Subpart`. */
export const SUBPARTS = ['input-delay', 'processing-duration', 'presentation-delay'];

/** The kind of interaction an event is of. */
export const interactionType = ({ name }: any): string => (name.startsWith('key') ? 'keyboard' : 'pointer');
