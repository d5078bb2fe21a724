// All scenarios. One is data:
//
// - `name`; `head` and `body` of its page; `pages`, `headers`, `delays` and `redirects` by path for what else its site has;
// - `observe`: the calls of both libraries, run in the page; every metric without options unless given;
// - `build`: `attribution` unless given; `start`: when the libraries are called: in the `head` unless given, `early` or `later`;
// - `steps`: what is done on the page before it is hidden, or `visit`: the whole visit; how many `documents` tell what they know, if
//   more than one, or a function that tells it from what the last one knows;
// - `yields`: the metrics that must be reported where the engine has their entries, while all others must not, or a function that
//   tells them from what the engine supports;
// - `targets`: what ours are where the page hides the properties that the reference reads;
// - `proves`: that the page showed what the scenario is about.

import { ATTRIBUTION } from './attribution.mjs';
import { HOSTILE } from './hostile.mjs';
import { INTERACTIONS } from './interactions.mjs';
import { NAVIGATIONS } from './navigations.mjs';
import { PAINT } from './paint.mjs';
import { RESTORES } from './restores.mjs';
import { SHIFTS } from './shifts.mjs';
import { SOFT } from './soft-navigations.mjs';
import { VISIBILITY } from './visibility.mjs';

export const SCENARIOS = [
  ...PAINT,
  ...SHIFTS,
  ...INTERACTIONS,
  ...ATTRIBUTION,
  ...VISIBILITY,
  ...RESTORES,
  ...NAVIGATIONS,
  ...HOSTILE,
  ...SOFT,
];
