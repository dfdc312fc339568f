import { openChance } from './chance.ts'

const chunkBytes = 64 * 1024
const chunksMax = 64
/** Chunks that any two disks may share. */
const sharedChunks = 48

/** A disk of up to 4 MiB by its number: some of it is empty, some is in other disks too, the rest is its own. */
export function diskContent(seed: number): Uint8Array {
  const chance = openChance(seed)
  const bytes = new Uint8Array(chance.between(8, chunksMax) * chunkBytes)
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const kind = chance.upTo(10)
    if (kind < 3) continue
    fill(bytes.subarray(at, at + chunkBytes), kind < 7 ? chance.upTo(sharedChunks) : chance.seed())
  }
  return bytes
}

/** Half of it does not compress. */
function fill(chunk: Uint8Array, seed: number): void {
  let noise = seed | 1
  for (let at = 0; at < chunk.length; at += 2) {
    noise = (Math.imul(noise, 1103515245) + 12345) & 0x7fffffff
    chunk[at] = noise >> 16
  }
}
