import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits } from '../../src/domain/limits.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { openCliLine } from '../support/cli-line.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const inGallery = `galleries/${gallery}`
const image = `${inGallery}/images/${definition}`
const version = `${image}/versions/1.0.0`
const deletedList = `${inGallery}/softDeletedArtifactTypes/images/artifacts/${definition}/versions`
const restoring = { ...west, properties: { restore: true, storageProfile: {} } }
const mib = 1024 * 1024

describe('soft delete', () => {
  let vitrine: TestInstallation
  let arm: Arm
  const bytes = dataBytes(1, mib)
  let source = ''
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    const softDeletePolicy = { isSoftDeleteEnabled: true }
    await arm.make(inGallery, { ...west, properties: { softDeletePolicy } })
    source = await arm.upload('source', bytes)
    await publish(version)
    await arm.remove('disks/source')
  })
  afterAll(() => vitrine.close())

  async function publish(path: string, id = source): Promise<void> {
    const targetRegions = [{ name: 'westeurope' }, { name: 'eastus' }]
    await arm.make(path, {
      ...west,
      tags: { a: 'b' },
      properties: {
        publishingProfile: { targetRegions },
        storageProfile: { osDiskImage: { source: { id } } },
      },
    })
  }

  const remove = (path: string, api?: string) => arm.ask('DELETE', path, { ...(api && { api }) })
  const listed = async (path: string) => {
    const { value } = (await arm.get(path)).body
    return (value as JsonObject[]).map(({ name }) => name)
  }
  const done = async (answer: Answer) => {
    expect(answer.body).toEqual({})
    expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
  }
  const rowOf = async (path: string) =>
    (await vitrine.installation.store.read.resources.getAny(arm.idOf(path).toLowerCase())) ??
    expect.fail(`${path} has a row`)
  const used = async () => {
    const path = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Compute/locations/westeurope/usages`
    const { value } = (await arm.get(path)).body
    const usages = value as { name: { value: string }; currentValue: number }[]
    return usages.find(({ name }) => name.value === 'GalleryImageVersion')?.currentValue
  }

  /** What the ledger has of the version: when each interval began and ended, and what its copies cost. */
  const billed = async () => {
    const times = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, after: undefined, rowsMax: 100 }
    const query = { scopeKey: arm.idOf(version).toLowerCase(), ...times }
    const { ledger } = vitrine.installation.store.read
    const moves = await ledger.moves(query)
    return {
      intervals: (await ledger.intervals(query)).map(({ sinceMs, untilMs }) => [sinceMs, untilMs]),
      egressBytes: moves.reduce((sum, { billedBytes }) => sum + billedBytes, 0),
    }
  }
  const replicasBilled = async () => {
    const { body } = await arm.get(`${version}/providers/Vitrine.Gallery/costs`)
    return valueAt(body, 'properties.storage.replicas')
  }

  it('where the gallery wants it, a version that is deleted is out of sight and in the list of its own', async () => {
    const before = await billed()
    const removed = await remove(version)
    expect(removed.status).toBe(202)
    await done(removed)
    expect(await billed()).toEqual(before)
    expect((await arm.get(version)).status).toBe(404)
    expect(await listed(`${image}/versions`)).toEqual([])
    const [item] = (await arm.get(deletedList)).body.value as JsonObject[]
    const id = arm.idOf(version)
    expect(item).toEqual({
      name: '1.0.0',
      id: id.replace(
        `/images/${definition}`,
        `/softDeletedArtifactTypes/Images/artifacts/${definition}`,
      ),
      type: 'Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions',
      location: 'westeurope',
      tags: { a: 'b' },
      properties: {
        resourceArmId: id,
        softDeletedArtifactType: 'Images',
        softDeletedTime: expect.stringMatching(/^\d{4}-.*\+00:00$/),
      },
    })
    expect((await arm.get(deletedList, '2023-07-03')).status).toBe(404)
  })

  it('R97 it is no source, and not latest; what it counts, it counts on, and what it costs, it costs on', async () => {
    expect(await replicasBilled()).toBe(2)
    const galleryImageReference = { id: arm.idOf(image) }
    const creationData = { createOption: 'FromImage', galleryImageReference }
    const answer = await arm.put('disks/none', { ...west, properties: { creationData } })
    expect(errorOf(answer)).toMatchObject({ code: 'GalleryImageNotFound' })
    expect(await used()).toBe(1)
  })

  it('its name is not free, and what is above it stays', async () => {
    const other = { storageProfile: { osDiskImage: { source: { id: source } } } }
    const taken = await arm.put(version, { ...west, properties: other })
    expect({ status: taken.status, ...errorOf(taken) }).toMatchObject({
      status: 409,
      message: expect.stringMatching(
        /soft deleted.*2024-03-03 on.*restore: true.*deleting it again.*image-version restore.*--purge/,
      ),
    })
    for (const path of [image, inGallery]) {
      const answer = await remove(path)
      expect(errorOf(answer)).toMatchObject({ code: 'CannotDeleteResource' })
    }
    const why = errorOf(await remove(image)).message
    expect(why).toContain(`softDeletedArtifactTypes/Images/artifacts/${definition}/versions/1.0.0`)
    expect((await remove(version, '2023-07-03')).status).toBe(204)
    expect(await listed(deletedList)).toEqual(['1.0.0'])
  })

  it('restored, it is what it was, in all its regions at once', async () => {
    const before = await billed()
    expect(before.intervals.map(([, untilMs]) => untilMs)).toEqual([undefined, undefined])
    expect(before.egressBytes).toBe(mib)
    const answer = await arm.put(version, restoring)
    expect(answer).toMatchObject({ status: 200, body: { tags: { a: 'b' } } })
    expect(answer.body.properties).not.toHaveProperty('restore')
    expect((await arm.bytesOf(image, 'eastus')).equals(bytes)).toBe(true)
    expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
    const { body } = await arm.get(`${version}?$expand=ReplicationStatus`)
    expect(body.properties).toMatchObject({
      provisioningState: 'Succeeded',
      replicationStatus: { aggregatedState: 'Completed' },
      publishingProfile: { targetRegions: [{ name: 'West Europe' }, { name: 'East US' }] },
    })
    expect(await listed(deletedList)).toEqual([])
    expect(await used()).toBe(1)
    // R98: nothing was copied, nothing is paid for again.
    expect(await billed()).toEqual(before)
  })

  it('what is not soft deleted is not restored', async () => {
    expect(errorOf(await arm.put(version, restoring))).toMatchObject({ code: 'Conflict' })
    const nothing = await arm.put(`${image}/versions/9.9.9`, restoring)
    expect({ status: nothing.status, ...errorOf(nothing) }).toMatchObject({
      status: 404,
      target: 'galleryImageVersion.properties.restore',
    })
  })

  it('a PATCH restores, too; deleted again it is gone for good, and its name is free', async () => {
    await done(await remove(version))
    const body = { properties: { restore: true } }
    const patched = await arm.ask('PATCH', version, { body })
    expect(await arm.ended(patched)).toMatchObject({ status: 'Succeeded' })
    await done(await remove(version))
    const { intervals, egressBytes } = await billed()
    await done(await remove(version))
    expect(await listed(deletedList)).toEqual([])
    // R97: until then it was paid for, and not a moment longer.
    const ended = intervals.map(([sinceMs]) => [sinceMs, expect.any(Number)])
    expect(await billed()).toEqual({ intervals: ended, egressBytes })
    expect(await replicasBilled()).toBe(0)
    expect((await remove(version)).status).toBe(204)
    expect(await used()).toBe(0)
    await publish(version, await arm.upload('another', bytes))
  })

  it('it stays when the gallery does not want it any more, and goes when its time is over', async () => {
    const young = `${image}/versions/1.1.0`
    await publish(young, arm.idOf('disks/another'))
    for (const path of [version, young]) await done(await remove(path))
    const softDeletePolicy = { isSoftDeleteEnabled: false }
    await arm.make(inGallery, { ...west, properties: { softDeletePolicy } })
    expect(await listed(deletedList)).toEqual(['1.0.0', '1.1.0'])
    expect(await replicasBilled()).toBe(2)
    const row = await rowOf(version)
    const { store } = vitrine.installation
    const nowMs = await store.nowMs()
    const duty = { kind: 'PurgeDeleted', subject: 'installation', queue: 'control', generation: 1 }
    await store.write(async ({ resources, work }) => {
      await resources.update({ ...row, deletedMs: nowMs - limits.softDeletedKeptMs - 1 })
      await work.request([{ ...duty, key: undefined }], nowMs)
    })
    await expect.poll(() => listed(deletedList)).toEqual(['1.1.0'])
    await expect.poll(used).toBe(1)
    expect(await replicasBilled()).toBe(0)
    await publish(version, arm.idOf('disks/another'))
    await done(await remove(version))
    expect(await listed(deletedList)).toEqual(['1.1.0'])
  })

  it('is switched on, listed, undone and ended from the command line', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vitrine-soft-'))
    try {
      const run = await openCliLine(vitrine, folder)
      const inside = ['-g', group, '-r', gallery]
      const names = [...inside, '-i', definition, '-e', '3.0.0']
      const path = `${image}/versions/3.0.0`
      await publish(path, arm.idOf('disks/another'))
      await run('gallery', 'update', ...inside, '--soft-delete', 'true')
      expect((await run('image-version', 'delete', ...names)).code).toBe(0)
      const listing = ['image-version', 'list', ...inside, '-i', definition, '--soft-deleted']
      expect((await run(...listing)).out).toMatch(/\n3\.0\.0 +westeurope +\S/)
      const again = await run('image-version', 'delete', ...names)
      expect(again).toMatchObject({ code: 3, err: expect.stringContaining('delete --purge') })
      const file = join(folder, 'disk.raw')
      await writeFile(file, bytes)
      const from = [
        ['--os-snapshot', arm.idOf('disks/another')],
        ['--from', file],
      ]
      for (const source of from) {
        const taken = await run('image-version', 'create', ...names, '-l', 'westeurope', ...source)
        expect(taken).toMatchObject({
          code: 1,
          err: expect.stringMatching(/soft deleted.*restore/s),
        })
      }
      expect((await run('image-version', 'restore', ...names)).out).toMatch(/3\.0\.0 +Succeeded/)
      expect((await arm.get(path)).status).toBe(200)
      await run('image-version', 'delete', ...names)
      expect((await run('image-version', 'delete', ...names, '--purge')).code).toBe(0)
      expect((await run(...listing)).out).not.toContain('3.0.0')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('a resource group takes with it what is soft deleted, and no byte of it stays', async () => {
    const softDeletePolicy = { isSoftDeleteEnabled: true }
    await arm.make(inGallery, { ...west, properties: { softDeletePolicy } })
    await publish(version, await arm.upload('last', bytes))
    await done(await remove(version))
    await arm.remove(arm.groupPath)
    const { store } = vitrine.installation
    expect(await store.read.resources.getAny(arm.idOf(version).toLowerCase())).toBeUndefined()
    expect(await store.read.placements.ofKeepers([arm.idOf(version).toLowerCase()])).toEqual([])
  })
})
