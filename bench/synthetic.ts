import { createCipheriv, createHash } from 'node:crypto'
import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs'

/** A sparse disk; the same values give the same bytes on every machine. */
export type DiskSpec = {
  readonly seed: number
  readonly sizeBytes: number
  /** Bytes that are not holes, about. */
  readonly dataBytes: number
  /** Longest run of data; lengths are log-uniform from 4 KiB up. */
  readonly extentBytesMax: number
  /** Later states of the same disk: each rewrites that share of the 64 KiB blocks, seeded by its place in the list. */
  readonly rewrites: readonly number[]
}

const pageBytes = 4096
const blockBytes = 65_536
/** What a Debian root file system has, about: the rest packs well. */
const incompressibleShare = 0.28
const repeatShare = 0.1
const poolBytes = 64 * 1024

type Random = () => number

/** Writes the disk under `path`, complete and durable, or not at all. */
export function makeSynthetic(path: string, spec: DiskSpec): void {
  const next = randomOf(spec.seed)
  const pool = textPool()
  const fd = openSync(`${path}.part`, 'w')
  ftruncateSync(fd, spec.sizeBytes)
  const seeds: number[] = []
  let data = 0
  let at = 0
  const gapMean = spec.sizeBytes / spec.dataBytes - 1
  while (data < spec.dataBytes && at + spec.extentBytesMax < spec.sizeBytes) {
    const pages = 2 ** (next() * Math.log2(spec.extentBytesMax / pageBytes))
    const lengthBytes = Math.max(1, Math.round(pages)) * pageBytes
    const fresh = Math.floor(next() * 2 ** 32)
    const repeats = next() < repeatShare && seeds.length > 0
    const seed = repeats ? (seeds[Math.floor(next() * seeds.length)] ?? fresh) : fresh
    seeds.push(seed)
    writeExtent(fd, at, { lengthBytes, seed, pool, rewrites: spec.rewrites })
    data += lengthBytes
    // Data lies on 64 KiB borders as often as not: a repeat that is shifted is no repeat for a fixed grid.
    const grid = next() < 0.5 ? blockBytes : pageBytes
    at += lengthBytes + Math.round(next() * 2 * gapMean * lengthBytes)
    at = Math.ceil(at / grid) * grid
  }
  fsyncSync(fd)
  closeSync(fd)
  renameSync(`${path}.part`, path)
}

type Extent = Pick<DiskSpec, 'rewrites'> & {
  readonly lengthBytes: number
  readonly seed: number
  readonly pool: Buffer
}

function writeExtent(fd: number, offsetBytes: number, extent: Extent): void {
  const bytes = Buffer.allocUnsafe(extent.lengthBytes)
  for (let from = 0; from < bytes.length; from += blockBytes) {
    const block = bytes.subarray(from, from + blockBytes)
    fillBlock(block, blockSeed(offsetBytes + from, extent, from), extent.pool)
  }
  writeSync(fd, bytes, 0, bytes.length, offsetBytes)
}

/** The newest rewrite that meets the block gives it new bytes; otherwise its extent's seed does. */
function blockSeed(diskOffset: number, { seed, rewrites }: Extent, from: number): number {
  const place = Math.floor(diskOffset / blockBytes)
  const hit = rewrites.findLastIndex((share, turn) => randomOf(mix(place, turn + 1))() < share)
  return hit < 0 ? mix(seed, from / blockBytes) : mix(mix(seed, place), hit + 7)
}

function fillBlock(block: Buffer, seed: number, pool: Buffer): void {
  const next = randomOf(seed)
  if (next() < incompressibleShare) {
    fillNoise(block, seed)
    return
  }
  for (let at = 0; at < block.length; ) {
    const from = Math.floor(next() * (poolBytes - 512))
    at += pool.copy(block, at, from, from + 24 + Math.floor(next() * 200))
  }
}

function fillNoise(block: Buffer, seed: number): void {
  const key = createHash('sha256').update(String(seed)).digest()
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  block.set(cipher.update(Buffer.alloc(block.length)))
}

/** Words of a made-up language, of which all text is cut. */
function textPool(): Buffer {
  const next = randomOf(11)
  const letter = (): string => String.fromCharCode(97 + Math.floor(next() ** 1.5 * 26))
  const words = Array.from({ length: 2048 }, () =>
    Array.from({ length: 2 + Math.floor(next() * 9) }, letter).join(''),
  )
  const pool = Buffer.alloc(poolBytes)
  for (let at = 0; at < pool.length; ) {
    at += pool.write(`${words[Math.floor(next() ** 2 * words.length)]} `, at, 'latin1')
  }
  return pool
}

/** mulberry32: 32 bits of state, enough to draw a disk. */
function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function mix(one: number, other: number): number {
  return Math.imul(one ^ (other + 0x9e3779b9 + (one << 6) + (one >>> 2)), 0x85ebca6b) >>> 0
}
