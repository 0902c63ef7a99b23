/** A connection over which commands go in one piece and replies come back in their order. */
import type { Socket } from 'node:net';

const LF = 10;

/** Undefined for what isn't there. */
export type Reply = Buffer | undefined;

export interface Parsed {
  readonly reply: Reply;
  /** Offset behind it. */
  readonly end: number;
}

/** The reply at an offset, or undefined if it has not all arrived; throws for an error that the server names. */
export type Parse = (buffer: Buffer, at: number) => Parsed | undefined;

export class PipelineClient {
  readonly #socket: Socket;
  readonly #parse: Parse;
  #rest: Buffer = Buffer.alloc(0);
  #replies: Reply[] = [];
  #wanted = 0;
  #settle: { resolve: (replies: Reply[]) => void; reject: (error: unknown) => void } | undefined;

  constructor(socket: Socket, parse: Parse) {
    this.#socket = socket;
    this.#parse = parse;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('the server closed the connection')));
  }

  /** Sends commands in one go and waits for as many replies. One pipeline at a time. */
  pipeline(commands: Buffer | string, count: number): Promise<Reply[]> {
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
    try {
      for (let parsed = this.#parse(buffer, at); parsed !== undefined; parsed = this.#parse(buffer, at)) {
        this.#replies.push(parsed.reply);
        at = parsed.end;
      }
    } catch (error) {
      this.#settle?.reject(error);
    }
    this.#rest = buffer.subarray(at);
    if (this.#replies.length < this.#wanted) return;
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve(this.#replies);
  }
}

/** The line at an offset without its end, and the offset behind it; undefined if it has not all arrived. */
export function lineAt(buffer: Buffer, at: number): { line: string; end: number } | undefined {
  const end = buffer.indexOf(LF, at);
  return end < 0 ? undefined : { line: buffer.toString('latin1', at, end - 1), end: end + 1 };
}

/** So many bytes at an offset and an end of line; undefined if they have not all arrived. */
export function bodyAt(buffer: Buffer, at: number, length: number): Parsed | undefined {
  const end = at + length;
  return buffer.length < end + 2 ? undefined : { reply: buffer.subarray(at, end), end: end + 2 };
}
