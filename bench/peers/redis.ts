/** Redis over loopback, commands pipelined, one connection a thread. Needs a `redis-server` on the PATH. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import type { Contender, Lane, Prepared, Setup } from './contender.js';
import { encodeCommand, RespClient } from './resp.js';
import { bytesOf, objectOf, poolOf, type SmallObject } from './values.js';

/** Commands in one pipeline. */
const PIPELINE = 100;
const STARTS_MAX = 100;
const START_WAIT_MS = 50;

export function isRedisThere(): boolean {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function client(port: number): Promise<RespClient> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return new RespClient(socket);
}

/** Waits until the server answers. */
async function started(server: ChildProcess, port: number): Promise<void> {
  for (let i = 0; i < STARTS_MAX && server.exitCode === null; i++) {
    try {
      (await client(port)).end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_WAIT_MS));
    }
  }
  server.kill();
  throw new Error('redis-server does not start');
}

async function prepare(): Promise<Prepared> {
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', [...settings, '--dir', tmpdir()], { stdio: 'ignore' });
  await started(server, port);
  const close = async (): Promise<void> => {
    const exit = once(server, 'exit');
    server.kill();
    await exit;
  };
  return { share: port, close };
}

async function open(setup: Setup, keys: readonly string[], share: unknown): Promise<Lane> {
  const connection = await client(share as number);
  const value = poolOf<Buffer | string>(
    setup.kind === 'bytes' ? (item) => Buffer.from(bytesOf(item)) : (item) => JSON.stringify(objectOf(item)),
  );
  const read =
    setup.kind === 'bytes'
      ? (bytes: Buffer): number => bytes[bytes.length - 1]!
      : (bytes: Buffer): number => (JSON.parse(bytes.toString('latin1')) as SmallObject).score;
  const get = async (items: readonly number[]): Promise<number> => {
    const commands = items.map((item) => `*2\r\n$3\r\nGET\r\n$${keys[item]!.length}\r\n${keys[item]}\r\n`).join('');
    const replies = await connection.pipeline(Buffer.from(commands), items.length);
    return replies.filter((reply) => reply === undefined || read(reply) < 0).length;
  };
  const set = async (items: readonly number[]): Promise<number> => {
    const commands = items.map((item) => encodeCommand('SET', keys[item]!, value(item)));
    await connection.pipeline(Buffer.concat(commands), items.length);
    return 0;
  };
  return { get: { many: get, batch: PIPELINE }, set: { many: set, batch: PIPELINE } };
}

export const redis: Contender = { name: 'redis', prepare, open };
