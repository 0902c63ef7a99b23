/** Task of the pool: ReadTask to ReadAnswer (src/cache/pool/tasks.ts). */
export { read } from '../src/cache/pool/worker.js';
