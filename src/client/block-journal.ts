import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openMutex } from '../base/mutex.ts'

export type BlockJournal = {
  /** The blocks that were finished before, and how many bytes of data each had. */
  readonly finished: ReadonlyMap<number, number>
  /** Notes a block that is finished; it must be durable already where it was written. */
  add(block: number, dataBytes: number): Promise<void>
  close(): Promise<void>
  /** The transfer is complete: nothing is left to resume. */
  remove(): Promise<void>
}

/**
 * Which blocks of one transfer are finished, so that it can be resumed: a text file with the transfer's `subject` in the
 * first line and a block a line. Another subject, or none, starts a new journal; a line that was cut off does not count.
 */
export async function openBlockJournal(path: string, subject: string): Promise<BlockJournal> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const kept = await readKept(path, subject)
  const handle = await open(path, kept === undefined ? 'w' : 'a', 0o600)
  if (kept === undefined) await handle.appendFile(`${subject}\n`)
  else if (!kept.endsWithLine) await handle.appendFile('\n')
  const exclusively = openMutex()

  return {
    finished: kept?.finished ?? new Map(),
    add: (block, dataBytes) => exclusively(() => handle.appendFile(`${block} ${dataBytes};\n`)),
    close: () => exclusively(() => handle.close()),
    remove: () => rm(path, { force: true }),
  }
}

async function readKept(path: string, subject: string) {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const [head, ...lines] = text.split('\n')
  if (head !== subject || lines.length === 0) return undefined
  const finished = new Map<number, number>()
  for (const line of lines) {
    const [, block, dataBytes] = /^(\d+) (\d+);$/.exec(line) ?? []
    if (block !== undefined) finished.set(Number(block), Number(dataBytes))
  }
  return { finished, endsWithLine: text.endsWith('\n') }
}
