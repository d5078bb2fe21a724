// Where two reports of the same thing may differ, and by how much exactly. docs/metrics.md says why.

import assert from 'node:assert/strict';

/** Sums of the same times, added in another order. */
const ROUNDING_MS = 1e-6;
const TARGETS = ['target', 'largestShiftTarget', 'interactionTarget', 'eventTarget'];

/** Looking at the clock tells no more than that, in the coarsest of engines. */
const CLOCK_MS = 1;

/**
 * Asserts what holds of each difference, and returns both reports without it. Where the page hides from the reference what its elements
 * are, our targets are among `targets`.
 */
export const agree = (ours, theirs, targets) => DIFFERENCES.reduce((pair, difference) => difference(...pair, targets), [ours, theirs]);

const DIFFERENCES = [restoredPaint, restoredInput, framesWithoutLayout, classesOfFirstInput, targetOfAnotherEvent, misledTargets];

/**
 * The time from a restore until its second frame. Either library looks at the clock, in the order in which they asked for the frame: not
 * before it, nor after its own report.
 */
function restoredPaint(ours, theirs) {
  const { name, navigationType, entries, told } = theirs;
  // A paint of the load that is told of after the restore is among the entries, though the value is not its.
  if (navigationType !== 'back-forward-cache' || !['FCP', 'LCP'].includes(name) || entries.at(-1)?.startTime === theirs.value) return [ours, theirs];
  assert.equal(ours.told.frame, told.frame, 'both were reported in one frame');
  return [ours, theirs].map(({ value, attribution, ...rest }) => {
    const { frame, at } = rest.told;
    assertBetween(value, frame - rest.navigationStartTime - CLOCK_MS, at - rest.navigationStartTime);
    if (!attribution) return rest;
    const { timeToFirstByte, firstByteToFCP, elementRenderDelay, ...parts } = attribution;
    assert.equal(firstByteToFCP ?? elementRenderDelay, value - timeToFirstByte, 'all of the time after the first byte is in one part');
    return { ...rest, attribution: { timeToFirstByte, ...parts } };
  });
}

/** Whether a report is of an input that the browser told nothing of: the first after a restore. */
const isOfClock = ({ name, entries: [entry] }) => name === 'FID' && entry.live === undefined;

/** The first input after a restore: either library looks at the clock when it hears of it. */
function restoredInput(ours, theirs) {
  if (!isOfClock(theirs)) return [ours, theirs];
  assert.equal(ours.told.frame, theirs.told.frame, 'both were reported in one frame');
  return [ours, theirs].map(({ value, entries: [input], attribution, ...rest }) => {
    const { processingStart, ...entry } = input;
    assertBetween(value, 0, rest.told.at - entry.startTime);
    assert.equal(processingStart - entry.startTime, value);
    if (!attribution) return { ...rest, entry };
    const { eventEntry, ...parts } = attribution;
    assert.deepEqual(eventEntry, input);
    return { ...rest, entry, attribution: parts };
  });
}

/**
 * Whether a report is to be compared. If the first input after a restore is the first of all, the browser tells of it as well: whether that is
 * another value than what the clock said is up to the clock.
 */
export function isTold(report, at, reports) {
  const first = reports.find(({ metric }) => metric.id === report.metric.id);
  return first === report || !isOfClock(first.metric);
}

/** A long frame without style and layout says that they began at 0: the reference counts the time from there. */
function framesWithoutLayout(ours, theirs) {
  const frames = theirs.attribution?.longAnimationFrameEntries?.filter(({ styleAndLayoutStart }) => styleAndLayoutStart === 0) ?? [];
  if (!frames.length) return [ours, theirs];
  const counted = frames.reduce((sum, { startTime, duration }) => sum + startTime + duration, 0);
  const without = (report, sign) => {
    const { totalStyleAndLayoutDuration, totalUnattributedDuration, ...parts } = report.attribution;
    return [totalStyleAndLayoutDuration - sign * counted, totalUnattributedDuration + sign * counted, { ...report, attribution: parts }];
  };
  const [layout, rest, our] = without(ours, 0);
  const [theirLayout, theirRest, their] = without(theirs, 1);
  for (const [value, expected] of [[layout, theirLayout], [rest, theirRest]]) assertBetween(value, expected - ROUNDING_MS, expected + ROUNDING_MS);
  return [our, their];
}

/** FID's reference is older and leaves the classes of a target in their order. */
function classesOfFirstInput(ours, theirs) {
  if (theirs.name !== 'FID' || !theirs.attribution?.eventTarget) return [ours, theirs];
  const sorted = (part) => [part.split('.')[0], ...part.split('.').slice(1).sort()].join('.');
  const eventTarget = theirs.attribution.eventTarget.split('>').map(sorted).join('>');
  return [ours, { ...theirs, attribution: { ...theirs.attribution, eventTarget } }];
}

/** Chromium forgets the target of some presses. The reference looks at one event of an interaction, ours at all. */
function targetOfAnotherEvent(ours, theirs) {
  if (theirs.attribution?.interactionTarget !== '«undefined»') return [ours, theirs];
  assert.match(ours.attribution.interactionTarget, /./);
  return [ours, theirs].map(({ attribution: { interactionTarget, ...parts }, ...rest }) => ({ ...rest, attribution: parts }));
}

/** On a page that hides the properties of its elements ours are selectors nevertheless: those that the scenario says. */
function misledTargets(ours, theirs, targets) {
  if (!targets || !ours.attribution) return [ours, theirs];
  const kept = (report) => ({ ...report, attribution: Object.fromEntries(Object.entries(report.attribution).filter(([name]) => !TARGETS.includes(name))) });
  for (const name of TARGETS) {
    const target = ours.attribution[name];
    if (target) assert.ok(targets.includes(target), `${target} is one of ${targets}`);
    else assert.equal(target, theirs.attribution[name]);
  }
  return [kept(ours), kept(theirs)];
}

function assertBetween(value, least, most) {
  assert.ok(least <= value && value <= most, `${value} is between ${least} and ${most}`);
}
