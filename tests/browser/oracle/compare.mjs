// When two libraries say the same.

import assert from 'node:assert/strict';

import { agree, isTold } from './differences.mjs';

const METRICS = ['CLS', 'FCP', 'INP', 'LCP', 'TTFB', 'FID'];
const ID = /^v\d-\d{13}-\d{13}$/;

/**
 * Asserts that in each of `documents` both libraries said the same, that they were silent where the engine has not the entry
 * types, and that what the scenario `yields` was said wherever it has them.
 */
export function assertAlike(documents, { yields, targets }) {
  const said = new Set();
  for (const { reports, supports, thresholds, troubles, started } of documents) {
    assert.ok(started, 'the libraries were never called');
    assert.deepEqual(troubles, [], 'the page was disturbed');
    assert.deepEqual(thresholds.ours, thresholds.theirs);
    for (const { metric: { name } } of reports) {
      assert.ok(supports[name], `${name} was reported by an engine without its entries`);
      said.add(name);
    }
    for (const instance of new Set(reports.map((report) => report.instance))) {
      const by = (library) => reports.filter((report) => report.instance === instance && report.library === library);
      assertReportsAlike(by('ours'), by('theirs'), targets);
    }
  }
  const { supports } = documents[0];
  const expected = typeof yields === 'function' ? yields(supports) : yields;
  assert.deepEqual([...said].sort(), METRICS.filter((name) => expected.includes(name) && supports[name]).sort(), 'reported metrics');
}

/** The reports of one instance in either library, in their order. */
function assertReportsAlike(ours, theirs, targets) {
  const [all, reference] = [comparable(ours), comparable(theirs)];
  for (const [at, report] of reference.entries()) {
    if (all[at]) [all[at], reference[at]] = agree(all[at], report, targets);
  }
  assert.deepEqual(all.map(onlyMetric), reference.map(onlyMetric));
}

/**
 * The reports with ids and objects counted in the order in which they came up. A delta is what the value has grown by since the last
 * report with its id.
 */
function comparable(reports) {
  const values = new Map();
  const objects = [];
  return reports.filter(isTold).map(({ metric, object, ...told }) => {
    const { id, value, delta, ...rest } = metric;
    assert.match(id, ID);
    assert.equal(delta, value - (values.get(id) ?? 0), `delta of ${metric.name}`);
    values.set(id, value);
    return { ...rest, value, id: [...values.keys()].indexOf(id), object: position(objects, object), told };
  });
}

const onlyMetric = ({ told: { plain }, ...metric }) => ({ ...metric, plain });

function position(list, value) {
  if (!list.includes(value)) list.push(value);
  return list.indexOf(value);
}
