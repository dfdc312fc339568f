import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { diskOf } from '../../test/support/test-disks.ts'
import {
  home,
  openDurable,
  openTestPlane,
  packsIn,
  publish,
  readAll,
  signal,
} from '../../test/support/test-plane.ts'
import { imageOwner, workOwner } from '../domain/holdings.ts'
import { sweepSpace } from './sweep-space.ts'

describe('sweep', () => {
  let durable: ReturnType<typeof openDurable>
  let opened: ReturnType<typeof openTestPlane>
  beforeEach(() => {
    durable = openDurable()
    opened = openTestPlane(durable)
  })
  afterEach(() => opened.close())
  const sweep = (holdMs: number) => sweepSpace(opened.plane, { space: home, holdMs, signal })

  test('what any image needs stays, the rest is freed to the byte', async () => {
    const v1 = await publish(opened.plane, diskOf([1, 2, 3]), { upload: 'v1' })
    const v2 = await publish(opened.plane, diskOf([1, 2, 4]), { upload: 'v2' })
    durable.rows.seal(home, v1.image, v1.holdings)
    durable.rows.seal(home, v2.image, v2.holdings)
    for (const upload of ['v1', 'v2']) await opened.plane.rows.release(workOwner(upload))
    expect(await sweep(0)).toBe(0)
    await opened.plane.rows.release(imageOwner(home, v1.image))
    expect(await sweep(0)).toBe(0)
    expect((await readAll(opened.plane, v2.image)).equals(diskOf([1, 2, 4]))).toBe(true)
    await opened.plane.rows.release(imageOwner(home, v2.image))
    expect(await sweep(0)).toBe(v1.addedBytes + v2.addedBytes)
    expect(packsIn(durable, home).size).toBe(0)
    expect(await sweep(0)).toBe(0)
  })

  test('what was condemned is readable for the hold', async () => {
    const v1 = await publish(opened.plane, diskOf([1]), { upload: 'v1' })
    await opened.plane.rows.release(workOwner('v1'))
    expect(await sweep(60_000)).toBe(0)
    expect(packsIn(durable, home).size).toBe(1)
    await durable.world.sleep(60_000, signal)
    expect(await sweep(60_000)).toBe(v1.addedBytes)
  })

  test('a sweep that died between blob and row is finished by the next', async () => {
    const v1 = await publish(opened.plane, diskOf([1]), { upload: 'v1' })
    await opened.plane.rows.release(workOwner('v1'))
    for (const [key] of packsIn(durable, home)) durable.places.placeAt(home).delete(key)
    expect(await sweep(0)).toBe(v1.addedBytes)
    expect(durable.rows.rows()).toEqual([])
  })
})
