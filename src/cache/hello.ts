/** Asks a thread whether it lives. What proves a death: the port in a hello closes unanswered. Time never does. */
import { MessageChannel, postMessageToThread } from 'node:worker_threads';
import { ALIVE, type HelloMessage } from './messages.js';

/**
 * Says hello to a thread that is attached to the cache with this id, or was. Resolves to true once it answers, to false
 * once it is dead; stays open while the thread's event loop, or the main one, is busy.
 */
export function sayHello(threadId: number, id: string): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  const hello: HelloMessage = { velocache: id, kind: 'hello', port: port2 };
  let isAlive = false;
  port1.on('message', (message: unknown) => {
    isAlive ||= message === ALIVE;
  });
  const answered = new Promise<boolean>((resolve) => port1.on('close', () => resolve(isAlive)));
  port1.unref();
  postMessageToThread(threadId, hello, [port2]).catch((error: unknown) => {
    // A thread that can't be reached lets go of the port; one whose listener threw lives.
    isAlive ||= (error as { code?: string }).code !== 'ERR_WORKER_MESSAGING_FAILED';
    port1.close();
  });
  return answered;
}
