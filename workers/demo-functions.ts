/** The functions of the demo's cache, for the workers of its pools: the option `pool.module`. */
export { DEMO_FUNCTIONS as default } from '../src/cli/limits.js';
