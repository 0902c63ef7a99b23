/** Whether a value is shared memory; also for memory that was made in another context of the process. */
export function isSharedMemory(value: unknown): value is SharedArrayBuffer {
  return Object.prototype.toString.call(value) === '[object SharedArrayBuffer]';
}
