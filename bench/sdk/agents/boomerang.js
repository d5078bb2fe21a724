// Comes behind the vendor's files, which are no modules.

window.BOOMR.init({
  beacon_url: 'http://collector.localhost/boomerang',
  // A beacon as an image's address has a limit, beyond which it is cut.
  beacon_type: 'POST',
  // Routes that the History API makes are page views.
  History: { enabled: true, auto: true },
  // Rejections are off unless asked for, and so are errors after the page has loaded.
  Errors: { monitorRejections: true, sendAfterOnload: true },
});
