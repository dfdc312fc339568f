import { openLru } from '../../base/lru.ts'
import type { ByteReader } from '../../formats/disk-file.ts'

/** Layouts that are kept for the next range of a download; each knows 2 MiB of blocks for a disk of 1 TiB at most. */
const outputsKept = 8

/** Disks as files of a format, by what they are made of. */
export function openOutputs() {
  return openLru<string, ByteReader>(outputsKept)
}
