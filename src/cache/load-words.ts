/** The words by which a failed load is told to other threads: what is left of an error that can't cross them whole. */
import { OUTCOME_TEXT_MAX } from '../../native-free/index.js';
import { LoadError } from '../errors.js';

/** Characters of a name and of a code. */
const NAME_MAX = 32;
/** Characters of what was thrown that are looked at. */
const TEXT_MAX = 4_096;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Name, message and code of what was thrown, which may be anything, in up to `bytesMax` bytes, no fewer than the default. */
export function wordsOf(error: unknown, bytesMax: number = OUTCOME_TEXT_MAX): Uint8Array {
  const name = clean(() => (error instanceof Error ? error.name : typeof error), NAME_MAX);
  const code = clean(() => (error as { code?: unknown }).code ?? '', NAME_MAX);
  const message = clean(() => (error instanceof Error ? error.message : error), bytesMax);
  let bytes: Uint8Array;
  let length = message.length;
  do {
    bytes = encoder.encode(JSON.stringify([name, code, message.slice(0, length).toWellFormed()]));
    length >>= 1;
  } while (bytes.length > bytesMax && length > 0);
  return bytes;
}

/** Without what JSON would write at six bytes a character. */
function clean(read: () => unknown, length: number): string {
  try {
    const text = String(read())
      .slice(0, TEXT_MAX)
      .replace(/\p{Cc}+/gu, ' ');
    return text.slice(0, length).toWellFormed();
  } catch {
    return '';
  }
}

/** The error that they get in another thread. */
export function errorFrom(words: Uint8Array): LoadError {
  const [name, code, message] = JSON.parse(decoder.decode(words)) as [string, string, string];
  const cause = Object.assign(new Error(message), { name }, code === '' ? {} : { code });
  return new LoadError(`${name}: ${message}`, cause);
}
