/** The key in `sessionStorage` that says that WebAssembly was refused to a page of this session. */
export const REFUSED = 'beamline-js';
