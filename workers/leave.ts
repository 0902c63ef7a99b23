/** Task of the pool: the worker detaches from the cache, since it is about to end. No arguments, no answer. */
export { leave } from '../src/cache/pool/worker.js';
