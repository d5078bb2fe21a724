import './lux-options.mjs';
// The vendor's build for browsers of this target, which is smaller than the one that is imported by the package's name.
import '@speedcurve/lux/dist/lux.es2020.js';

// Soft navigations are told by the page, as its documentation asks for.
window.onRoute = () => window.LUX.startSoftNavigation();
