// As in `equal.ts`, for what only npm `web-vitals` 4.2.4 has.
export const same = [
    '',
    '',
    '',
    '',
];
const takesEvery = (metric) => console.log(metric.value);
export const measureFid = ({ onFID }, { onFID: onFIDWithAttribution }) => {
    onFID(takesEvery);
    onFID(({ name, entries: [input] }) => console.log(name, input?.processingStart));
    onFIDWithAttribution(({ attribution: { eventType } }) => console.log(eventType), { reportAllChanges: true });
};
