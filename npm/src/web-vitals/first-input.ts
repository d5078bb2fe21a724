/**
 * The first input after a return from the back/forward cache, for FID: browsers give no second `first-input` entry. A pointer that
 * scrolls or zooms is no input; browsers tell by `pointercancel`.
 */

const INPUTS = ['mousedown', 'keydown', 'touchstart', 'pointerdown'];
const PASSIVE = { passive: true, capture: true };

/** When this file ran. An input cannot have waited for longer than that. */
const began = Date.now();

/** Calls `take` with the first input from now on, in the form of an entry. */
export const watchFirstInputs = (take: (entry: object) => void): void => {
  let isOver = false;
  const end = (event: Event, delay: number): void => {
    if (isOver) return;
    isOver = true;
    for (const type of INPUTS) removeEventListener(type, onInput, PASSIVE);
    if (delay < 0 || delay >= Date.now() - began) return;
    const { type: name, target, cancelable, timeStamp: startTime } = event;
    take({ entryType: 'first-input', name, target, cancelable, startTime, processingStart: startTime + delay });
  };
  const onInput = (event: Event): void => {
    if (!event.cancelable) return;
    const delay = performance.now() - event.timeStamp;
    if (event.type === 'pointerdown') whenReleased(() => end(event, delay));
    else end(event, delay);
  };
  for (const type of INPUTS) addEventListener(type, onInput, PASSIVE);
};

/** Runs `task` when the pointer goes up; never when the browser takes it for something else. */
const whenReleased = (task: () => void): void => {
  const done = (event: Event): void => {
    removeEventListener('pointerup', done, PASSIVE);
    removeEventListener('pointercancel', done, PASSIVE);
    if (event.type === 'pointerup') task();
  };
  addEventListener('pointerup', done, PASSIVE);
  addEventListener('pointercancel', done, PASSIVE);
};
