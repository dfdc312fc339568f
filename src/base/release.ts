/**
 * Gives the memory of bytes that nobody needs any more back at once. The collector sees megabytes outside of its heap
 * late, and memory would grow with the speed of the work. What shares its buffer with other bytes is left alone,
 * and what went to another thread.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (!(buffer instanceof ArrayBuffer) || buffer.detached) return
  if (buffer.byteLength === bytes.byteLength) buffer.transfer(0)
}
