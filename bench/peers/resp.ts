/** As much of the Redis protocol as GET and SET need: commands out, strings, errors and nulls in. */
import type { Socket } from 'node:net';

export type Reply = Buffer | undefined;

const CR = 13;
const LF = 10;

export function encodeCommand(...parts: readonly (string | Uint8Array)[]): Buffer {
  const chunks: Uint8Array[] = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    chunks.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(chunks);
}

export class RespClient {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #replies: Reply[] = [];
  #wanted = 0;
  #settle: { resolve: (replies: Reply[]) => void; reject: (error: Error) => void } | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('redis closed the connection')));
  }

  /** Sends commands in one go and waits for as many replies. One pipeline at a time. */
  pipeline(commands: Buffer, count: number): Promise<Reply[]> {
    this.#wanted = count;
    this.#replies = [];
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(commands);
    });
  }

  end(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let next = this.#parse(buffer, at); next > at; next = this.#parse(buffer, at)) at = next;
    this.#rest = buffer.subarray(at);
    if (this.#replies.length < this.#wanted) return;
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve(this.#replies);
  }

  /** Takes the reply at `at`; the offset behind it, or `at` if it has not all arrived. */
  #parse(buffer: Buffer, at: number): number {
    const end = buffer.indexOf(LF, at);
    if (end < 0 || buffer[end - 1] !== CR) return at;
    const line = buffer.toString('latin1', at + 1, end - 1);
    const kind = String.fromCharCode(buffer[at]!);
    if (kind === '-') this.#settle?.reject(new Error(`redis says: ${line}`));
    if (kind !== '$' || line === '-1') {
      this.#replies.push(kind === '$' ? undefined : Buffer.from(line));
      return end + 1;
    }
    const bodyEnd = end + 1 + Number(line);
    if (buffer.length < bodyEnd + 2) return at;
    this.#replies.push(buffer.subarray(end + 1, bodyEnd));
    return bodyEnd + 2;
  }
}
