// lux.js reads its options from this global when it is evaluated, so they must be there before.

window.LUX = {
  // Every account has a number; beacons without one are not sent.
  customerid: '1',
  // The page has a second route, which lux.js counts in this mode only.
  spaMode: true,
  // The collector of the benchmark, in place of the vendor's hosts.
  beaconUrl: 'http://collector.localhost/lux/',
  beaconUrlV2: 'http://collector.localhost/store',
  errorBeaconUrl: 'http://collector.localhost/error/',
};
