import { expect, test } from 'vitest'
import { SpaceFull, Unavailable } from '../src/domain/errors.ts'
import { blobsSuite } from './suites/blobs-suite.ts'
import { openMemoryPlaces } from './support/memory-blobs.ts'

const address = { kind: 'disk', folder: 'm' } as const

blobsSuite('memory', async () => {
  let trouble: 'none' | 'full' | 'away' = 'none'
  const places = openMemoryPlaces(({ name }) => {
    if (trouble === 'away') throw new Unavailable('the place is away')
    if (trouble === 'full' && name === 'put') throw new SpaceFull('no room left')
  })
  const place = places.placeAt('m')
  return {
    blobs: places.openBlobs(address),
    reopen: () => places.openBlobs(address),
    cut: async (key, lengthBytes) => {
      place.set(key, (place.get(key) ?? Buffer.alloc(0)).slice(0, lengthBytes))
    },
    fill: async () => {
      trouble = 'full'
    },
    takeAway: async () => {
      trouble = 'away'
    },
    close: async () => undefined,
  }
})

test('a key that is used again for other bytes is our own fault', async () => {
  const blobs = openMemoryPlaces().openBlobs(address)
  const signal = new AbortController().signal
  await blobs.put('packs/ab/x', Buffer.from('a'), signal)
  await blobs.delete('packs/ab/x', signal)
  await expect(blobs.put('packs/ab/x', Buffer.from('b'), signal)).rejects.toThrow('is used once')
})
