import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { sizes } from '../src/domain/limits.ts'
import { type DiskSpec, makeSynthetic } from './synthetic.ts'

/** Paths of disks, each made when it is first asked for. */
export type Images = {
  /** Three states of one disk: as installed, after a month's upgrades, after a change of settings. */
  v1(): string
  v2(): string
  v3(): string
  /** 8 GiB with 0.96 GiB of data; 127 GiB with 1.37 GiB of data. */
  s8(): string
  s127(): string
  /** 100 GiB: with 2 GiB of data, and with 256 MiB in as many extents as there are pages. */
  s100(): string
  m100(): string
  /** What `v1` is, for the report. */
  readonly what: string
}

const s8 = {
  seed: 7,
  sizeBytes: 8 * sizes.gib,
  dataBytes: 0.96 * sizes.gib,
  extentBytesMax: 8 * sizes.mib,
}

const specs: Readonly<Record<string, DiskSpec>> = {
  s8: { ...s8, rewrites: [] },
  s8b: { ...s8, rewrites: [0.02] },
  s8c: { ...s8, rewrites: [0.02, 0.0002] },
  s127: {
    seed: 9,
    sizeBytes: 127 * sizes.gib,
    dataBytes: 1.37 * sizes.gib,
    extentBytesMax: 16 * sizes.mib,
    rewrites: [],
  },
  s100: {
    seed: 21,
    sizeBytes: 100 * sizes.gib,
    dataBytes: 2 * sizes.gib,
    extentBytesMax: 16 * sizes.mib,
    rewrites: [],
  },
  m100: {
    seed: 22,
    sizeBytes: 100 * sizes.gib,
    dataBytes: 256 * sizes.mib,
    extentBytesMax: 4 * sizes.kib,
    rewrites: [],
  },
}

/** `real` is a folder with v1.raw, v2.raw and v3.raw; without it synthetic disks stand in. They are kept in `folder`. */
export function openImages(folder: string, real: string | undefined): Images {
  function synthetic(name: string): string {
    const path = join(folder, `${name}.raw`)
    const spec = specs[name]
    if (!spec) throw new Error(`there is no synthetic disk ${name}`)
    if (existsSync(path)) return path
    mkdirSync(folder, { recursive: true })
    console.log(`    making ${name}.raw, once, in ${folder}`)
    makeSynthetic(path, spec)
    return path
  }

  function given(name: string): string {
    const path = join(real ?? '', `${name}.raw`)
    if (!existsSync(path)) throw new Error(`--images names no ${path}`)
    return path
  }

  return {
    v1: () => (real === undefined ? synthetic('s8') : given('v1')),
    v2: () => (real === undefined ? synthetic('s8b') : given('v2')),
    v3: () => (real === undefined ? synthetic('s8c') : given('v3')),
    s8: () => synthetic('s8'),
    s127: () => synthetic('s127'),
    s100: () => synthetic('s100'),
    m100: () => synthetic('m100'),
    what: real === undefined ? 'synthetic s8, s8b, s8c for v1, v2, v3' : `v1, v2, v3 from ${real}`,
  }
}
