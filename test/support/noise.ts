import { createCipheriv } from 'node:crypto'

/** Bytes that do not compress and that no other seed gives: AES-CTR of zeros. */
export function noise(seed: number, lengthBytes: number): Buffer {
  const key = Buffer.alloc(16)
  key.writeUInt32LE(seed)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(lengthBytes))
}
