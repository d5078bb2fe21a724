/** The WebAssembly module in hexadecimal, which compresses far better than base64; set by `build.mjs`. */
declare const WASM_HEX: string;

// Named once: every mention is replaced by the whole text.
const hex = WASM_HEX;

/** The module's bytes, carried by this file. */
export const bytes = (): Uint8Array<ArrayBuffer> => {
  if (Uint8Array.fromHex) return Uint8Array.fromHex(hex);
  const decoded = new Uint8Array(hex.length / 2);
  for (let i = 0; i < decoded.length; i++) decoded[i] = digit(2 * i) * 16 + digit(2 * i + 1);
  return decoded;
};

const digit = (index: number): number => {
  const code = hex.charCodeAt(index);
  return code < 58 ? code - 48 : code - 87;
};
