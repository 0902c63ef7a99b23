/** Task of the pool: LoadTask to LoadAnswer (src/cache/pool/tasks.ts). */
export { load } from '../src/cache/pool/load-task.js';
