/** As much of the Redis protocol as GET and SET need: commands out, strings, errors and nulls in. */
import { bodyAt, lineAt, type Parsed } from './pipeline-client.js';

export function encodeCommand(...parts: readonly (string | Uint8Array)[]): Buffer {
  const chunks: Uint8Array[] = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    chunks.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(chunks);
}

/** A string's bytes, or the text of another reply. */
export function parseResp(buffer: Buffer, at: number): Parsed | undefined {
  const head = lineAt(buffer, at);
  if (head === undefined) return undefined;
  const text = head.line.slice(1);
  if (head.line.startsWith('-')) throw new Error(`redis says: ${text}`);
  if (!head.line.startsWith('$')) return { reply: Buffer.from(text), end: head.end };
  return text === '-1' ? { reply: undefined, end: head.end } : bodyAt(buffer, head.end, Number(text));
}
