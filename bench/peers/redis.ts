/** Redis, which writes nothing to disk. */
import { tmpdir } from 'node:os';
import type { Contender } from './contender.js';
import { encodeCommand, parseResp } from './resp.js';
import { contendersOf } from './server.js';

export const redis: readonly Contender[] = contendersOf({
  program: 'redis-server',
  name: 'redis',
  // What is asked for most stays: the better of its policies where the popular keys remain the same.
  policy: 'allkeys-lfu',
  settings(port, { bound }) {
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const limits = ['--maxmemory', String(bound?.bytes), '--maxmemory-policy', 'allkeys-lfu'];
    return [...settings, '--dir', tmpdir(), ...(bound === undefined ? [] : limits)];
  },
  encodeGet: (key) => `*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`,
  encodeSet: (key, value) => encodeCommand('SET', key, value),
  parse: parseResp,
});
