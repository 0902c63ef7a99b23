/**
 * The sizes that a quick suite can't have: an index of 17 million entries, past the limit of a JavaScript Map, and an
 * arena of 8 GiB filled with values of 64 KiB, several segments of it. Exits with 1 at the first thing that is wrong.
 */
import { createCache } from 'velocache';

const ENTRIES = 17_000_000;
const VALUE_BYTES = 65_536;

function expect(condition: boolean, what: string): void {
  if (condition) return;
  console.error(`violation: ${what}`);
  process.exit(1);
}

function progress(text: string): void {
  console.log(`${(performance.now() / 1_000).toFixed(1)} s  ${text}`);
}

/** 17 million small entries, none of which may be lost. */
async function manyEntries(): Promise<void> {
  const cache = await createCache({ capacity: '8gb' });
  const value = new Uint8Array(8);
  const view = new DataView(value.buffer);
  for (let i = 0; i < ENTRIES; i++) {
    view.setUint32(0, i);
    expect(cache.setBytes(`entry:${i}`, value), `entry ${i} was refused`);
    if (i % 2_000_000 === 0) progress(`${i} entries`);
  }
  const stats = cache.stats();
  expect(stats.entries === ENTRIES, `${stats.entries} entries instead of ${ENTRIES}`);
  expect(stats.splitsSkipped === 0, `${stats.splitsSkipped} splits were skipped`);
  for (let i = 0; i < ENTRIES; i += 13) {
    const bytes = cache.getBytes(`entry:${i}`);
    expect(
      bytes !== undefined && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === i,
      `entry ${i} is wrong`,
    );
  }
  progress(`read; index ${(stats.bytesIndex / ENTRIES).toFixed(1)} bytes an entry`);
  const problems = cache.verify();
  expect(problems.length === 0, problems.slice(0, 5).join('; '));
  progress('verified');
  await cache.close();
}

/** The whole of 8 GiB used, and gone round a quarter more. */
async function largeArena(): Promise<void> {
  const cache = await createCache({ capacity: '8gb' });
  const value = new Uint8Array(VALUE_BYTES);
  const view = new DataView(value.buffer);
  const sets = Math.ceil((2 ** 33 / VALUE_BYTES) * 1.25);
  for (let i = 0; i < sets; i++) {
    view.setUint32(0, i);
    view.setUint32(VALUE_BYTES - 4, i);
    expect(cache.setBytes(`large:${i}`, value), `value ${i} was refused`);
  }
  progress(`${sets} values of ${VALUE_BYTES} bytes stored`);
  let found = 0;
  for (let i = 0; i < sets; i++) {
    const bytes = cache.getBytes(`large:${i}`);
    if (bytes === undefined) continue;
    found += 1;
    const read = new DataView(bytes.buffer, bytes.byteOffset);
    expect(read.getUint32(0) === i && read.getUint32(VALUE_BYTES - 4) === i, `value ${i} is wrong`);
  }
  const stats = cache.stats();
  expect(found === stats.entries, `${found} values found, ${stats.entries} counted`);
  expect(stats.bytesUsed > 2 ** 33 * 0.95, `only ${stats.bytesUsed} bytes used`);
  const problems = cache.verify();
  expect(problems.length === 0, problems.slice(0, 5).join('; '));
  progress(`${found} values found, verified`);
  await cache.close();
}

await manyEntries();
await largeArena();
console.log('large: all is well');
