/** Which locks are held, and by whom: for the message of a finding. */
import type { CacheHandle } from 'velocache';
import { Arena, HEADER, Layout, OWNER_SLOTS, SHARD, STRIPE } from '../../../native-free/index.js';

export function describeLocks(handle: CacheHandle<never> | CacheHandle<unknown>): string {
  const layout = new Layout(handle.plan.arena);
  const { meta, owners } = Arena.attach(layout, handle.buffers);
  const say = (name: string, token: number): string => {
    if (token === 0) return '';
    const slot = (token >>> 1) & 0xff;
    const state = owners.isDead(slot) ? 'dead' : owners.isLive(slot) ? 'live' : 'free';
    return `${name} held by thread ${(token >>> 9) - 1} in slot ${slot} (${state}, of thread ${owners.threadOf(slot)}); `;
  };
  const locks = [say('large lock', meta[HEADER.largeLock]!), say('recovery lock', meta[HEADER.recoveryLock]!)];
  for (let i = 0; i < layout.config.shards; i++) locks.push(say(`shard ${i}`, meta[layout.shard(i) + SHARD.lock]!));
  const { users } = layout;
  for (let i = 0; i < users.stripes; i++) locks.push(say(`users ${i}`, meta[users.stripe(i) + STRIPE.lock]!));
  const slots: string[] = [];
  for (let slot = 0; slot < OWNER_SLOTS; slot++) {
    if (owners.threadOf(slot) >= 0)
      slots.push(`${slot}: ${owners.isDead(slot) ? 'dead' : 'live'} ${owners.threadOf(slot)}`);
  }
  return `${locks.join('')}slots ${slots.join(', ')}; warden word ${meta[HEADER.wardenThread]}`;
}
