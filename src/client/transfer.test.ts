import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { openBlockJournal } from './block-journal.ts'
import { dataRuns, rangesByBlock } from './data-runs.ts'
import { openMeter } from './meter.ts'

const { signal } = new AbortController()

test('a meter counts what was skipped as done but not for the rate', async () => {
  const world = openQuickWorld()
  const meter = openMeter(1000, world)
  expect(meter.read()).toMatchObject({ bytesPerSecond: 0, etaSeconds: undefined })
  meter.skip(400)
  await world.sleep(2000, signal)
  meter.add(200)
  expect(meter.read()).toEqual({
    bytesDone: 600,
    bytesTotal: 1000,
    bytesPerSecond: 100,
    etaSeconds: 4,
  })
})

test('a meter forgets what was long ago, and is at 0 s at the end', async () => {
  const world = openQuickWorld()
  const meter = openMeter(10_000, world)
  meter.add(9000)
  await world.sleep(1000, signal)
  expect(meter.read().bytesPerSecond).toBe(9000)
  await world.sleep(10_000, signal)
  meter.read()
  await world.sleep(1000, signal)
  meter.add(500)
  expect(meter.read()).toMatchObject({ bytesPerSecond: 500, etaSeconds: 1 })
  meter.skip(500)
  expect(meter.read().etaSeconds).toBe(0)
})

test('data runs cover every byte that is not zero and lie inside the block', () => {
  const places = fc.uniqueArray(fc.nat(600_000), { maxLength: 6 })
  fc.assert(
    fc.property(places, fc.integer({ min: 600_001, max: 700_000 }), (at, lengthBytes) => {
      const block = Buffer.alloc(lengthBytes)
      for (const place of at) block[place] = 1
      const copy = Buffer.alloc(lengthBytes)
      for (const run of dataRuns(block))
        block.copy(copy, run.offsetBytes, run.offsetBytes, run.offsetBytes + run.lengthBytes)
      expect(copy.equals(block)).toBe(true)
      expect(dataRuns(Buffer.alloc(lengthBytes))).toEqual([])
    }),
    { numRuns: 50 },
  )
})

test('ranges by block are the same bytes, none crossing the grid', () => {
  const blocks = rangesByBlock(
    [
      { offsetBytes: 5, lengthBytes: 20 },
      { offsetBytes: 40, lengthBytes: 2 },
    ],
    10,
  )
  expect([...blocks]).toEqual([
    [0, [{ offsetBytes: 5, lengthBytes: 5 }]],
    [1, [{ offsetBytes: 10, lengthBytes: 10 }]],
    [2, [{ offsetBytes: 20, lengthBytes: 5 }]],
    [4, [{ offsetBytes: 40, lengthBytes: 2 }]],
  ])
})

test('a journal line that was cut off does not count, later ones do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-journal-'))
  const path = join(folder, 'j.log')
  const first = await openBlockJournal(path, 'subject')
  await first.add(1, 10)
  await first.add(12, 0)
  await first.close()
  await writeFile(path, (await readFile(path, 'utf8')).slice(0, -2))
  const second = await openBlockJournal(path, 'subject')
  expect([...second.finished]).toEqual([[1, 10]])
  await second.add(7, 3)
  await second.close()
  const third = await openBlockJournal(path, 'subject')
  expect([...third.finished]).toEqual([
    [1, 10],
    [7, 3],
  ])
  await third.close()
  const other = await openBlockJournal(path, 'another')
  expect(other.finished.size).toBe(0)
  await other.close()
  await rm(folder, { recursive: true })
})
