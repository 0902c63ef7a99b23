/** As much of memcached's meta protocol as `mg` and `ms` need. */
import { bodyAt, lineAt, type Parsed } from './pipeline-client.js';

export function encodeGet(key: string): string {
  return `mg ${key} v\r\n`;
}

export function encodeSet(key: string, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`ms ${key} ${value.length}\r\n`), value, Buffer.from('\r\n')]);
}

/** A value's bytes, or the code of an answer without one; undefined for what is not there or was not stored. */
export function parseMeta(buffer: Buffer, at: number): Parsed | undefined {
  const head = lineAt(buffer, at);
  if (head === undefined) return undefined;
  const [code, length] = head.line.split(' ');
  if (code === 'VA') return bodyAt(buffer, head.end, Number(length));
  if (code === 'EN' || code === 'NS') return { reply: undefined, end: head.end };
  if (code === 'HD') return { reply: Buffer.from(code), end: head.end };
  throw new Error(`memcached says: ${head.line}`);
}
