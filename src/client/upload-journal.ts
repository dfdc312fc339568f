import { join } from 'node:path'
import { digestOf } from '../domain/digest.ts'
import { type BlockJournal, openBlockJournal } from './block-journal.ts'
import { rangesByBlock } from './data-runs.ts'
import type { PageBlob } from './page-blob.ts'

/**
 * The note of the blocks of an upload that arrived. `marks` name file and blob: others have another note. When the server
 * lacks a block of it, what it had was given up meanwhile, and nothing of the note counts.
 */
export async function openUploadJournal(parts: {
  readonly folder: string
  readonly marks: readonly unknown[]
  readonly blob: PageBlob
  readonly blockBytes: number
  readonly signal: AbortSignal
}): Promise<BlockJournal> {
  const subject = digestOf(Buffer.from(JSON.stringify(parts.marks)))
  const path = join(parts.folder, `upload-${subject.slice(0, 32)}.log`)
  const journal = await openBlockJournal(path, subject)
  if (journal.finished.size === 0) return journal
  const there = rangesByBlock(await parts.blob.dataRanges(parts.signal), parts.blockBytes)
  const isThere = ([block, bytes]: [number, number]) => bytes === 0 || there.has(block)
  if ([...journal.finished].every(isThere)) return journal
  await journal.close()
  await journal.remove()
  return await openBlockJournal(path, subject)
}
