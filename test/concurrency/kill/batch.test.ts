import { afterEach, expect, it } from 'vitest';
import { runBatch } from './batch.js';

const PLAN = { seed: 7, kills: 1, victims: 1, survivors: 1, heapOnly: false };
const { execArgv } = process;

afterEach(() => {
  process.execArgv = execArgv;
});

/** A batch whose process does this before anything else. */
function batchThat(code: string): ReturnType<typeof runBatch> {
  process.execArgv = ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
  return runBatch('a series', PLAN);
}

it.each([
  ['is killed by a signal', 'process.kill(process.pid, "SIGSEGV")', 'crash', 'SIGSEGV'],
  ['aborts', 'process.abort()', 'crash', 'SIGABRT'],
  [
    'V8 ends for want of memory',
    'console.error("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"); process.abort()',
    'out of memory',
    'SIGABRT',
  ],
  [
    'V8 ends by a check that fails as a heap is collected for the last time',
    'console.error("#\\n# Fatal error in , line 0\\n# Check failed: GetTimerForCollectionRequest(kind).IsStarted()."); process.abort()',
    'out of memory',
    'SIGABRT',
  ],
  [
    'V8 ends by another check',
    'console.error("#\\n# Fatal error in , line 0\\n# Check failed: isolate != nullptr."); process.abort()',
    'crash',
    'SIGABRT',
  ],
  [
    'says so and is killed',
    'console.error("heap out of memory"); process.kill(process.pid, "SIGSEGV")',
    'crash',
    'SIGSEGV',
  ],
  ['fails', 'throw new Error("on purpose")', 'failed', 'exit status 1'],
  ['crashes behind its result', 'process.stdout.write("{}"); process.kill(process.pid, "SIGBUS")', 'crash', 'SIGBUS'],
])('a batch that %s gives no result', async (_, code, kind, ending) => {
  expect(await batchThat(code)).toMatchObject({ kind, ending, series: 'a series', seed: 7 });
});

it('tells the reason that V8 gave, however long the stack behind it', async () => {
  const text = 'before\\nFATAL ERROR: the reason\\n----- Native stack trace -----\\n';
  const code = `console.error("${text}" + " 1: 0x1 [node]".repeat(1_000)); process.abort()`;
  expect(await batchThat(code)).toMatchObject({ lastWords: expect.stringMatching(/^FATAL ERROR: the reason -----/) });
});
