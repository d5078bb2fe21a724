// A TrueType font whose every letter is a box, as small as browsers accept: https://learn.microsoft.com/typography/opentype/spec/

const UNITS_PER_EM = 1000;
const [FIRST, LAST] = [0x20, 0x7e];

/** The font's file. */
export function font() {
  const box = glyph([[50, 0], [50, 700], [550, 700], [550, 0]]);
  const tables = {
    'OS/2': os2(),
    cmap: cmap(),
    glyf: Buffer.concat([box, box]),
    head: head(),
    hhea: pack('u32 i16 i16 i16 u16 i16 i16 i16 i16 i16 i16 i16 i16 i16 i16 i16 u16', 0x00010000, 800, -200, 0, 600, 50, 50, 550, 1, 0, 0, 0, 0, 0, 0, 0, 2),
    hmtx: pack('u16 i16 u16 i16', 600, 50, 600, 50),
    loca: pack('u16 u16 u16', 0, box.length / 2, box.length),
    maxp: pack('u32 u16 u16 u16 u16 u16 u16 u16 u16 u16 u16 u16 u16 u16 u16', 0x00010000, 2, 4, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0),
    name: name('Boxes'),
    post: pack('u32 u32 i16 i16 u32 u32 u32 u32 u32', 0x00030000, 0, -100, 50, 1, 0, 0, 0, 0),
  };
  return file(tables);
}

function file(tables) {
  const names = Object.keys(tables);
  const start = 12 + 16 * names.length;
  const directory = [];
  const bodies = [];
  let offset = start;
  for (const tag of names) {
    const body = padded(tables[tag]);
    directory.push(Buffer.from(tag, 'latin1'), pack('u32 u32 u32', checksum(body), offset, tables[tag].length));
    bodies.push(body);
    offset += body.length;
  }
  const power = 2 ** Math.floor(Math.log2(names.length));
  const top = pack('u32 u16 u16 u16 u16', 0x00010000, names.length, power * 16, Math.log2(power), (names.length - power) * 16);
  const whole = Buffer.concat([top, ...directory, ...bodies]);
  const headAt = start + bodies.slice(0, names.indexOf('head')).reduce((sum, { length }) => sum + length, 0);
  whole.writeUInt32BE((0xb1b0afba - checksum(whole)) >>> 0, headAt + 8);
  return whole;
}

/** One closed outline of points on the curve. */
function glyph(points) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const steps = (values) => values.map((value, at) => value - (values[at - 1] ?? 0));
  return padded(
    Buffer.concat([
      pack('i16 i16 i16 i16 i16', 1, Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)),
      pack('u16 u16', points.length - 1, 0),
      Buffer.from(points.map(() => 1)),
      ...[...steps(xs), ...steps(ys)].map((step) => pack('i16', step)),
    ]),
  );
}

/** Every printable ASCII character is glyph 1: two segments of format 4, the last of which is the closing one. */
function cmap() {
  const glyphs = Array.from({ length: LAST - FIRST + 1 }, () => pack('u16', 1));
  const segments = Buffer.concat([
    pack('u16 u16 u16 u16', 4, 4, 1, 0),
    pack('u16 u16 u16', LAST, 0xffff, 0),
    pack('u16 u16 i16 i16', FIRST, 0xffff, 0, 1),
    pack('u16 u16', 4, 0),
    ...glyphs,
  ]);
  return Buffer.concat([pack('u16 u16 u16 u16 u32', 0, 1, 3, 1, 12), pack('u16 u16 u16', 4, 6 + segments.length, 0), segments]);
}

function head() {
  return pack(
    'u32 u32 u32 u32 u16 u16 u32 u32 u32 u32 i16 i16 i16 i16 u16 u16 i16 i16 i16',
    0x00010000, 0x00010000, 0, 0x5f0f3cf5, 3, UNITS_PER_EM, 0, 0xd0000000, 0, 0xd0000000, 50, 0, 550, 700, 0, 8, 2, 0, 0,
  );
}

function os2() {
  return Buffer.concat([
    pack('u16 i16 u16 u16 u16', 3, 600, 400, 5, 0),
    pack('i16 i16 i16 i16 i16 i16 i16 i16 i16 i16 i16', 650, 600, 0, 75, 650, 600, 0, 350, 50, 250, 0),
    Buffer.alloc(10),
    pack('u32 u32 u32 u32', 1, 0, 0, 0),
    Buffer.from('BEAM', 'latin1'),
    pack('u16 u16 u16 i16 i16 i16 u16 u16 u32 u32', 0x40, FIRST, LAST, 800, -200, 0, 800, 200, 1, 0),
    pack('i16 i16 u16 u16 u16', 500, 700, 0, FIRST, 1),
  ]);
}

/** Family, style, unique and full name, version and PostScript name, in English for Windows. */
function name(family) {
  const texts = [[1, family], [2, 'Regular'], [3, family], [4, family], [5, 'Version 1.0'], [6, family]];
  const encoded = texts.map(([, text]) => Buffer.from(text, 'utf16le').swap16());
  let offset = 0;
  const records = texts.map(([id], at) => {
    const record = pack('u16 u16 u16 u16 u16 u16', 3, 1, 0x409, id, encoded[at].length, offset);
    offset += encoded[at].length;
    return record;
  });
  return Buffer.concat([pack('u16 u16 u16', 0, texts.length, 6 + 12 * texts.length), ...records, ...encoded]);
}

function pack(types, ...values) {
  return Buffer.concat(
    types.split(' ').map((type, at) => {
      const bytes = Buffer.alloc(type === 'u32' ? 4 : 2);
      if (type === 'u32') bytes.writeUInt32BE(values[at]);
      else if (type === 'u16') bytes.writeUInt16BE(values[at]);
      else bytes.writeInt16BE(values[at]);
      return bytes;
    }),
  );
}

function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function checksum(bytes) {
  const whole = padded(bytes);
  let sum = 0;
  for (let at = 0; at < whole.length; at += 4) sum = (sum + whole.readUInt32BE(at)) >>> 0;
  return sum;
}
