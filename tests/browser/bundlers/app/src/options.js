/** The options of this page: its address says under which key it is measured, and by which service. */
export const options = () => Object.fromEntries(new URLSearchParams(location.search));
