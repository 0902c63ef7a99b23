/** Messages between the attached threads and the warden. All carry the id of the cache, or go over a line of it. */
import type { MessagePort } from 'node:worker_threads';

/** Thread to warden, by postMessageToThread: here is the other end of my line. */
export interface JoinMessage {
  readonly velocache: string;
  readonly kind: 'join';
  readonly slot: number;
  readonly threadId: number;
  readonly port: MessagePort;
}

/**
 * Warden to thread, by postMessageToThread: join me. The thread answers `ALIVE` over the port. If it is dead, or dies
 * before it reads the message, the port closes without that answer, which proves the death. (The promise proves less:
 * it never settles for a thread that ended together with its parent.)
 */
export interface HelloMessage {
  readonly velocache: string;
  readonly kind: 'hello';
  readonly port: MessagePort;
}

/** Over the port of a hello. */
export const ALIVE = 'alive';

export function answerHello({ port }: HelloMessage): void {
  port.postMessage(ALIVE);
  port.close();
}

/** Over the line, warden to thread. */
export const fromWarden = { events: 'events', repair: 'repair', flights: 'flights', pressure: 'pressure' } as const;

/** Over the line, thread to warden: the line closes because I leave, not because I die. */
export const LEAVE = 'leave';

/** Over the line, thread to warden: have the threads in these slots look at the flights that they wait for. */
export interface WakeMessage {
  readonly wake: readonly number[];
}

export function isWake(value: unknown): value is WakeMessage {
  return typeof value === 'object' && value !== null && 'wake' in value;
}

export function isMessage(value: unknown): value is JoinMessage | HelloMessage {
  return typeof value === 'object' && value !== null && 'velocache' in value && 'kind' in value;
}
