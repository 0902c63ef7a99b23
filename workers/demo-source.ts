/** Loads what the demo misses, in the workers of its pools: the option `loader` of its types. The URL says seed and size. */
import { createSource, type Source } from '../src/cli/source.js';

const { searchParams } = new URL(import.meta.url);
const source: Source = createSource(Number(searchParams.get('seed')), Number(searchParams.get('size')));
export default source;
