/** Long animation frames, each with the script that ran longest in it. https://w3c.github.io/long-animation-frames/ */

import type { Options } from '../options.js';
import { type Deliver, record } from '../record.js';
import { type Observed, observe } from '../vitals/page.js';

const LONG_FRAME_MS = 200;

export const watchFrames = ({ longFrameMs = LONG_FRAME_MS }: Options, deliver: Deliver): Observed | undefined =>
  observe(['long-animation-frame'], (frames) => {
    for (const { startTime, duration, blockingDuration, scripts = [] } of frames) {
      if (!(duration >= longFrameMs)) continue;
      const longest = scripts.reduce((one: any, other: any) => (one?.duration >= other.duration ? one : other), undefined);
      record(
        deliver,
        {
          type: 'long_frame',
          numbers: { duration_ms: duration, blocking_ms: blockingDuration, script_ms: longest?.duration },
          texts: { script_url: longest?.sourceURL, script_invoker: longest?.invoker },
        },
        startTime,
      );
    }
  });
