// When two libraries say the same.

import assert from 'node:assert/strict';

const METRICS = ['CLS', 'FCP', 'INP', 'LCP', 'TTFB', 'FID'];
const ID = /^v\d-\d{13}-\d{13}$/;

/**
 * Asserts that in each of `documents` both libraries said the same, that they were silent where the engine has not the entry
 * types, and that what the scenario `yields` was said wherever it has them.
 */
export function assertAlike(documents, { yields }) {
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
      assertReportsAlike(by('ours'), by('theirs'));
    }
  }
  const { supports } = documents[0];
  const expected = typeof yields === 'function' ? yields(supports) : yields;
  assert.deepEqual([...said].sort(), METRICS.filter((name) => expected.includes(name) && supports[name]).sort(), 'reported metrics');
}

/** The reports of one instance in either library, in their order. */
function assertReportsAlike(ours, theirs) {
  const restored = theirs.map((report, at) => (isMeasuredRestore(report) && ours[at] ? assertSameFrame(ours[at], report) : false));
  assert.deepEqual(comparable(ours, restored), comparable(theirs, restored));
}

/** FCP and LCP of a restored page are the time until a frame, told by the clock. */
const isMeasuredRestore = ({ metric: { name, navigationType } }) => navigationType === 'back-forward-cache' && ['FCP', 'LCP'].includes(name);

/** Either looked at the clock in that frame, in the order in which they asked for it; ours not after its own report. */
function assertSameFrame(ours, theirs) {
  assert.equal(ours.frame, theirs.frame, 'both were reported in one frame');
  assert.ok(ours.metric.value <= ours.at - theirs.metric.navigationStartTime, `${ours.metric.value} is not after the report`);
  return true;
}

/** The reports with ids and objects counted in the order in which they came up. */
function comparable(reports, restored) {
  const ids = [];
  const objects = [];
  return reports.map(({ metric, object, plain }, at) => {
    assert.match(metric.id, ID);
    const told = { ...metric, id: position(ids, metric.id), object: position(objects, object), plain };
    return restored[at] ? withoutClock(told) : told;
  });
}

function position(list, value) {
  if (!list.includes(value)) list.push(value);
  return list.indexOf(value);
}

function withoutClock({ value, delta, attribution, ...rest }) {
  assert.equal(delta, value, 'the first report of its instance');
  if (!attribution) return rest;
  const { firstByteToFCP, elementRenderDelay, ...parts } = attribution;
  assert.equal(firstByteToFCP ?? elementRenderDelay, value, 'all of the time is in one part');
  return { ...rest, attribution: parts };
}
