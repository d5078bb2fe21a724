// What was measured, as the tables of a result.

import { FLOOR } from './agents.mjs';
import { RATES } from './measure-cost.mjs';

/** A load average from which on the benchmark, with a browser and two servers, is not alone. */
const BUSY = 3;

/** The agent that the others are told in multiples of. */
const OURS = 'beamline';

/** The result of the parts that were measured. */
export function findings(measured, agents, versions) {
  const named = (id) => [FLOOR, ...agents].find((agent) => agent.id === id).name;
  const order = new Map((measured.bytes ?? []).map(({ id, brotli }) => [id, brotli]));
  const bySize = (rows) => [...rows].sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  const tables = {
    bytes: () => [bytesTable(bySize(measured.bytes), named)],
    cost: () => costTables(completeRounds(measured.cost, agents.length + 1), bySize, named),
    visit: () => [visitTable(bySize(measured.visit), named)],
    behaviour: () => [behaviourTable(bySize(measured.behaviour), named)],
  };
  return {
    title: 'The browser SDK beside its peers',
    versions,
    tables: Object.keys(tables).flatMap((part) => (measured[part] ? tables[part]() : [])),
    not_measured: [
      'New Relic and PostHog, because they fetch parts of themselves from their vendors\' hosts.',
      'Session replay, which one agent of the table offers on demand and Beamline does not.',
      'Browsers other than Chromium: only its driver slows the processor down and tells the time of a page\'s own scripts.',
      ...(measured.cost?.some(({ load }) => load > BUSY)
        ? ['What the clock tells (init, long tasks, FCP, LCP, INP) on a quiet machine: others worked on this one at the same time, and the agents took turns in it.']
        : []),
      'Memory of compiled code, of scripts as of WebAssembly, which the browser does not tell by page.',
    ],
  };
}

function bytesTable(rows, named) {
  const ours = rows.find(({ id }) => id === OURS);
  return {
    id: 'bytes',
    title: 'Bytes until the agent works',
    note: [
      'A small entry for each agent (bench/sdk/agents), bundled by esbuild: minified, ES2022, split where the agent loads a part of itself later.',
      'Counted is every file that a real page asks for in the load and four seconds after, WebAssembly included, each compressed by itself.',
      'web-vitals measures and does not send; its entries have a dozen lines that do. bench/sdk/agents.mjs says what each agent is.',
    ].join(' '),
    columns: [
      { name: 'agent' },
      { name: 'brotli 11', unit: 'B', digits: 0 },
      { name: 'of Beamline\'s', unit: '×', digits: 2 },
      { name: 'gzip 9', unit: 'B', digits: 0 },
      { name: 'minified', unit: 'B', digits: 0 },
      { name: 'files', digits: 0 },
    ],
    rows: rows.map(({ id, brotli, gzip, minified, files }) => [named(id), brotli, round(brotli / ours.brotli), gzip, minified, files]),
    plot: { kind: 'bars', label: 0, value: 1 },
  };
}

const COST_NOTE = [
  'One page with eight images, a late banner and buttons, in a fresh profile each time, with one agent; the agents take turns.',
  'Own script and own main thread are CPU time of the page\'s main thread in the load and three seconds after, less the median of the page',
  'without an agent. Init is from the entry\'s first statement to its last, by the clock. A long task has 50 ms or more by the clock, and the page without an agent has some, too; where a load has none, its longest is 0.',
].join(' ');

/** Without the round that was begun last, in which not everyone had a turn. */
function completeRounds(samples, agents) {
  const turns = new Map();
  for (const { round } of samples) turns.set(round, (turns.get(round) ?? 0) + 1);
  return samples.filter(({ round }) => turns.get(round) === agents * RATES.length);
}

/** A table for the processor's speed, one for a quarter of it, and one for the page. */
function costTables(samples, bySize, named) {
  const ids = [...new Set(samples.map(({ id }) => id))];
  const of = (id, rate, what) => samples.filter((sample) => sample.id === id && sample.rate === rate).map((sample) => sample[what]);
  const loads = of(OURS, 1, 'script').length;
  const machineLoads = samples.map(({ load }) => load);
  const about = `${loads} loads; load average ${Math.min(...machineLoads).toFixed(1)} to ${Math.max(...machineLoads).toFixed(1)}.`;
  const rows = bySize(ids.map((id) => ({ id }))).map(({ id }) => id);

  const cost = (rate) => {
    const own = (id, what) => of(id, rate, what).map((value) => value - median(of(FLOOR.id, rate, what)));
    return {
      id: `cost-${rate}x`,
      title: rate === 1 ? 'Cost in the page' : 'Cost in the page, on a processor slowed down four times',
      note: `${COST_NOTE} Median and range of ${about}`,
      columns: [
        { name: 'agent' },
        { name: 'own script', unit: 'ms', digits: 1 },
        { name: 'of Beamline\'s', unit: '×', digits: 1 },
        { name: 'range' },
        { name: 'own main thread', unit: 'ms', digits: 1 },
        { name: 'init', unit: 'ms', digits: 1 },
        { name: 'range of init' },
        { name: 'long tasks a load', digits: 2 },
        { name: 'longest task', unit: 'ms', digits: 0 },
        { name: 'range of the longest' },
      ],
      rows: rows.map((id) => [
        named(id),
        round(median(own(id, 'script'))),
        id === FLOOR.id ? null : round(median(own(id, 'script')) / median(own(OURS, 'script'))),
        range(own(id, 'script')),
        round(median(own(id, 'task'))),
        round(median(of(id, rate, 'init'))),
        range(of(id, rate, 'init')),
        round(mean(of(id, rate, 'longTasks'))),
        round(median(of(id, rate, 'longest'))),
        range(of(id, rate, 'longest'), 0),
      ]),
      plot: { kind: 'bars', label: 0, value: 1 },
    };
  };
  return [
    ...RATES.map(cost),
    {
      id: 'page',
      title: 'What the page\'s user sees of it',
      note: `FCP, LCP and INP of the page, INP of one click on a button, in steps of 8 ms as the browser tells it; what JavaScript and WebAssembly keep in memory after two garbage collections, less the page without an agent. Medians of ${about}`,
      columns: [
        { name: 'agent' },
        { name: 'FCP at 1×', unit: 'ms', digits: 0 },
        { name: 'LCP at 1×', unit: 'ms', digits: 0 },
        { name: 'INP at 1×', unit: 'ms', digits: 0 },
        { name: 'FCP at 4×', unit: 'ms', digits: 0 },
        { name: 'LCP at 4×', unit: 'ms', digits: 0 },
        { name: 'INP at 4×', unit: 'ms', digits: 0 },
        { name: 'memory', unit: 'kB', digits: 0 },
      ],
      rows: rows.map((id) => [
        named(id),
        ...RATES.flatMap((rate) => ['fcp', 'lcp', 'inp'].map((what) => round(median(of(id, rate, what))))),
        round((median(of(id, 1, 'heap')) - median(of(FLOOR.id, 1, 'heap'))) / 1000),
      ]),
      plot: { kind: 'bars', label: 0, value: 7 },
    },
  ];
}

function visitTable(rows, named) {
  const yes = (holds) => (holds ? 'yes' : 'no');
  return {
    id: 'visit',
    title: 'What a visit sends, and what arrives',
    note: [
      'A visit: load, five clicks (one sends a request, one is slow, one throws, the last is a route), a rejection that nobody handles, another tab, and gone.',
      'Requests are those to the collector, preflights apart. Payload is bodies and query strings as they were sent; on the wire counts every byte with its headers.',
      'What arrived is read from the decompressed payload. Clicks are those that were reported as such; an agent that only names the slowest click\'s element has none.',
      `Medians of ${rows[0].visits.length} visits.`,
    ].join(' '),
    columns: [
      { name: 'agent' },
      { name: 'requests', digits: 0 },
      { name: 'preflights', digits: 0 },
      { name: 'payload', unit: 'B', digits: 0 },
      { name: 'on the wire', unit: 'B', digits: 0 },
      { name: 'vitals' },
      { name: 'error' },
      { name: 'rejection' },
      { name: 'clicks of 5', digits: 0 },
      { name: 'route' },
    ],
    rows: rows.map(({ id, visits }) => {
      const middle = (what) => median(visits.map((visit) => visit[what]));
      // What did not arrive every time did not arrive.
      const always = (what) => yes(visits.every((visit) => visit[what]));
      const vitals = visits[0].vitals.filter((name) => visits.every((visit) => visit.vitals.includes(name)));
      const clicks = Math.min(...visits.map((visit) => visit.clicks));
      return [named(id), ...['requests', 'preflights', 'payload', 'wire'].map(middle), vitals.join(' ') || 'none', always('error'), always('rejection'), clicks, always('route')];
    }),
    plot: { kind: 'bars', label: 0, value: 3 },
  };
}

function behaviourTable(rows, named) {
  return {
    id: 'behaviour',
    title: 'What it does to the page besides',
    note: [
      'Layout shifts in the load and three seconds after (the page has one by itself); listeners to unload and beforeunload, which browsers punish;',
      'entries in cookies and storage; lines on the console; whether going back restores the page from the cache, also where it is served with Cache-Control: no-store.',
    ].join(' '),
    columns: [
      { name: 'agent' },
      { name: 'layout shifts', digits: 0 },
      { name: 'unload listeners', digits: 0 },
      { name: 'beforeunload listeners', digits: 0 },
      { name: 'cookies', digits: 0 },
      { name: 'local storage', digits: 0 },
      { name: 'session storage', digits: 0 },
      { name: 'console lines', digits: 0 },
      { name: 'restored' },
      { name: 'restored with no-store' },
    ],
    rows: rows.map((row) => [
      named(row.id),
      row.shifts,
      row.unload + Number(row.onunload),
      row.beforeunload,
      row.cookies,
      row.local,
      row.session,
      row.lines,
      row.restored,
      row.restoredUnstored,
    ]),
    plot: null,
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const round = (value) => Math.round(value * 100) / 100;
const range = (values, digits = 1) => `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`.replaceAll('-', '−');
