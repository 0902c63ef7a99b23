/** Task of the pool: StoreTask to StoreAnswer (src/cache/pool/tasks.ts). */
export { store } from '../src/cache/pool/worker.js';
