/** What the shop sells. Prices are in euro cents. */
export const lamps = [
  { id: 'comet', name: 'Comet', cents: 12900, lumens: 470, text: 'A reading lamp with a long tail of brass.' },
  { id: 'harbour', name: 'Harbour', cents: 18900, lumens: 800, text: 'Smoked glass, for tables where people stay.' },
  { id: 'moth', name: 'Moth', cents: 9900, lumens: 250, text: 'Folded paper around a very warm light.' },
  { id: 'orbit', name: 'Orbit', cents: 24900, lumens: 1100, text: 'One arm, one ball, turns where you need it.' },
  { id: 'pebble', name: 'Pebble', cents: 6900, lumens: 180, text: 'A night light that forgives being dropped.' },
  { id: 'tide', name: 'Tide', cents: 15900, lumens: 640, text: 'Dims with the evening, all by itself.' },
];
