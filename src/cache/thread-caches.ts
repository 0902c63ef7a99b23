/**
 * The caches that this thread is attached to, by their id: attaching twice gives the same object. Kept on `process`,
 * which all copies of this package and all contexts of the thread share. One listener for messages and one for the
 * thread's exit serve all of them.
 */
import type { Member } from './member.js';
import { answerHello, isMessage } from './messages.js';

export interface Attachment {
  readonly member: Member;
  readonly cache: object;
  /** How many times this thread has attached and not yet closed. */
  uses: number;
}

const KEY = Symbol.for('velocache.attachments.1');

type Holder = { [KEY]?: Map<string, Attachment> };

/** This thread's attachments by the id of the cache. */
export function attachments(): Map<string, Attachment> {
  const holder = process as unknown as Holder;
  holder[KEY] ??= listen(new Map());
  return holder[KEY];
}

function listen(map: Map<string, Attachment>): Map<string, Attachment> {
  // A new warden says hello, and by this learns that the thread lives. Before a listener of the user's, which may throw.
  process.prependListener('workerMessage', (message: unknown) => {
    if (!isMessage(message) || message.kind !== 'hello') return;
    answerHello(message);
    map.get(message.velocache)?.member.join();
  });
  // First of all exit handlers: one of the user's may call the cache, or wait for a lock that this thread abandoned.
  process.prependListener('exit', () => {
    for (const { member } of map.values()) member.store.begin();
  });
  return map;
}
