import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dataRangesOf } from '../base/data-ranges-of.ts'
import { openLocalFile } from './local-file.ts'

const { signal } = new AbortController()
let folder = ''
let path = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-local-file-'))
  path = join(folder, 'disk')
})
afterAll(() => rm(folder, { recursive: true }))

async function writeSparse(sizeBytes: number, writes: readonly (readonly [number, Uint8Array])[]) {
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  const file = await open(path, 'r+')
  for (const [at, bytes] of writes) await file.write(bytes, 0, bytes.length, at)
  await file.close()
}

it('what lies outside the data ranges reads as zeros, and ranges ascend inside the file', async () => {
  const write = fc.tuple(fc.nat(900_000), fc.uint8Array({ minLength: 1, maxLength: 9000 }))
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10 ** 6 }),
      fc.array(write, { maxLength: 5 }),
      async (size, writes) => {
        const inside = writes.filter(([at, bytes]) => at + bytes.length <= size)
        await writeSparse(size, inside)
        const { reader, close } = await openLocalFile(path)
        const whole = await reader.read({ offsetBytes: 0, lengthBytes: size }, signal)
        let end = 0
        for await (const { offsetBytes, lengthBytes } of reader.dataRanges?.(signal) ?? []) {
          expect(offsetBytes >= end && lengthBytes > 0).toBe(true)
          expect(whole.subarray(end, offsetBytes).every((byte) => byte === 0)).toBe(true)
          end = offsetBytes + lengthBytes
        }
        expect(whole.subarray(end).every((byte) => byte === 0)).toBe(true)
        expect(end).toBeLessThanOrEqual(size)
        await close()
      },
    ),
  )
})

it.runIf(process.platform === 'linux' && process.arch === 'x64')('holes are found', async () => {
  await writeSparse(2 ** 33, [[2 ** 32, new Uint8Array(100).fill(1)]])
  const file = await open(path)
  let totalBytes = 0
  for await (const range of dataRangesOf(file.fd, 2 ** 33)) totalBytes += range.lengthBytes
  await file.close()
  expect(totalBytes).toBeGreaterThanOrEqual(100)
  expect(totalBytes).toBeLessThanOrEqual(2 ** 20)
})

it('a file that is missing, is a folder or gets shorter is told so', async () => {
  await expect(openLocalFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'NotFound' })
  await expect(openLocalFile(folder)).rejects.toMatchObject({ code: 'InvalidDisk' })
  await writeSparse(10_000, [])
  const { reader, close } = await openLocalFile(path)
  await truncate(path, 5000)
  await expect(reader.read({ offsetBytes: 4000, lengthBytes: 2000 }, signal)).rejects.toThrow(
    /shorter/,
  )
  await close()
})
