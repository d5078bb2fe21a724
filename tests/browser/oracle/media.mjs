// Pictures and a font for the oracle's pages, made from nothing.

import { deflateSync } from 'node:zlib';

/**
 * A PNG of noise, always the same. Noise, because Chromium takes no picture of few bits per pixel for content.
 */
export function picture(width, height) {
  const rows = Buffer.alloc((1 + width * 3) * height);
  let random = 7;
  for (let at = 0; at < rows.length; at += 1) {
    random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
    rows[at] = at % (1 + width * 3) === 0 ? 0 : random >> 16;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([uint32(data.length), body, uint32(crc(body))]);
}

function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
