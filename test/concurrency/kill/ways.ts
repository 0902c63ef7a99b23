/** The ways of dying, and how often each is chosen. */

export type WayName =
  | 'terminate'
  | 'terminate late'
  | 'terminate at attach'
  | 'terminate at start'
  | 'terminate parent'
  | 'terminate warden owner'
  | 'exit in encode'
  | 'exit between'
  | 'exit, handler calls'
  | 'uncaught error'
  | 'abandon, exit'
  | 'abandon by vm'
  | 'abandon by vm, idle'
  | 'abandon by stack'
  | 'heap exhausted';

export interface Way {
  readonly name: WayName;
  /** external: ended by another thread. self: the victim does it. apart: in a child process, by request only. */
  readonly kind: 'external' | 'self' | 'apart';
  readonly weight: number;
  /** From when on the delay counts, and its upper bound in ms. */
  readonly from: 'start' | 'attach';
  readonly delayMsMax: number;
}

export const WAYS: readonly Way[] = [
  { name: 'terminate', kind: 'external', weight: 30, from: 'attach', delayMsMax: 5 },
  { name: 'terminate late', kind: 'external', weight: 5, from: 'attach', delayMsMax: 60 },
  { name: 'terminate at attach', kind: 'external', weight: 10, from: 'attach', delayMsMax: 0 },
  { name: 'terminate at start', kind: 'external', weight: 10, from: 'start', delayMsMax: 40 },
  { name: 'terminate parent', kind: 'external', weight: 5, from: 'attach', delayMsMax: 5 },
  { name: 'terminate warden owner', kind: 'external', weight: 0, from: 'attach', delayMsMax: 0 },
  { name: 'exit in encode', kind: 'self', weight: 6, from: 'attach', delayMsMax: 5 },
  { name: 'exit between', kind: 'self', weight: 5, from: 'attach', delayMsMax: 5 },
  { name: 'exit, handler calls', kind: 'self', weight: 5, from: 'attach', delayMsMax: 5 },
  { name: 'uncaught error', kind: 'self', weight: 5, from: 'attach', delayMsMax: 5 },
  { name: 'abandon, exit', kind: 'self', weight: 5, from: 'attach', delayMsMax: 5 },
  { name: 'abandon by vm', kind: 'self', weight: 1, from: 'attach', delayMsMax: 1 },
  { name: 'abandon by vm, idle', kind: 'self', weight: 0.3, from: 'attach', delayMsMax: 1 },
  { name: 'abandon by stack', kind: 'self', weight: 1, from: 'attach', delayMsMax: 1 },
  { name: 'heap exhausted', kind: 'apart', weight: 0, from: 'attach', delayMsMax: 0 },
];

export function wayNumber(name: WayName): number {
  return WAYS.findIndex((way) => way.name === name);
}

export function pickWay(random: { next(): number }): Way {
  let at = random.next() * WAYS.reduce((sum, { weight }) => sum + weight, 0);
  const way = WAYS.find(({ weight }) => {
    at -= weight;
    return at < 0;
  });
  return way ?? WAYS[0]!;
}
