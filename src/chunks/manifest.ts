import { invariant } from '../base/assert.ts'
import type { Digest } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { Damaged, depthOf, FormatUnknown, layout } from './layout.ts'

/** A disk image: its bytes decide every field, so equal disks are equal manifests. */
export type Manifest = {
  readonly virtualSizeBytes: number
  /** Chunks that are not all zeros. */
  readonly chunkCount: number
  /** The top node; undefined when the disk is all zeros. */
  readonly root: Digest | undefined
}

const rootAt = 24
const zerosAt = rootAt + layout.digestBytes

/** The 128 bytes whose SHA-256 is the image's identity. */
export function encodeManifest({ virtualSizeBytes, chunkCount, root }: Manifest): Uint8Array {
  invariant((root === undefined) === (chunkCount === 0), 'an image has a root when it has chunks')
  const bytes = Buffer.alloc(layout.manifest.bytes)
  bytes.write(layout.manifest.magic, 0, 'latin1')
  bytes.writeUInt8(layout.manifest.major, 4)
  bytes.writeUInt8(layout.manifest.sha256, 5)
  bytes.writeUInt8(layout.manifest.chunkBits, 6)
  bytes.writeUInt8(depthOf(virtualSizeBytes), 7)
  bytes.writeBigUInt64LE(BigInt(virtualSizeBytes), 8)
  bytes.writeBigUInt64LE(BigInt(chunkCount), 16)
  if (root !== undefined) bytes.write(root, rootAt, 'hex')
  return bytes
}

/** Throws Damaged for anything that `encodeManifest` would not write, FormatUnknown for what is newer. */
export function parseManifest(given: Uint8Array): Manifest {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  if (bytes.length !== layout.manifest.bytes) throw new Damaged('manifest length')
  if (bytes.toString('latin1', 0, 4) !== layout.manifest.magic) throw new Damaged('manifest magic')
  const [major, digest, chunkBits, depth] = bytes.subarray(4, 8)
  if (major !== layout.manifest.major) throw new FormatUnknown(`manifest of major version ${major}`)
  if (digest !== layout.manifest.sha256)
    throw new FormatUnknown(`manifest with digest kind ${digest}`)
  if (chunkBits !== layout.manifest.chunkBits)
    throw new FormatUnknown(`chunks of 2^${chunkBits} bytes`)
  const virtualSizeBytes = Number(bytes.readBigUInt64LE(8))
  const chunkCount = Number(bytes.readBigUInt64LE(16))
  if (virtualSizeBytes > limits.virtualBytesMax) throw new Damaged('manifest virtual size')
  if (chunkCount > Math.ceil(virtualSizeBytes / limits.chunkBytes))
    throw new Damaged('manifest chunk count')
  if (depth !== depthOf(virtualSizeBytes)) throw new Damaged('manifest depth')
  if (bytes.subarray(zerosAt).some((byte) => byte !== 0)) throw new Damaged('manifest tail')
  const rootBytes = bytes.subarray(rootAt, zerosAt)
  const hasRoot = rootBytes.some((byte) => byte !== 0)
  if (hasRoot !== chunkCount > 0) throw new Damaged('manifest root')
  const root = hasRoot ? (rootBytes.toString('hex') as Digest) : undefined
  return { virtualSizeBytes, chunkCount, root }
}
