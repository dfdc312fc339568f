import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { LogEvent } from '../../src/base/world.ts'
import type { ConfigOverrides } from '../../src/config.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { damagePacks, packsBelow } from '../support/faulty-blobs.ts'
import { definition, gallery, group, makeDefinition, publishVersion } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { diskOf } from '../support/stories.ts'
import { noiseChunk } from '../support/test-disks.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const bytes = diskOf(1)
const noiseOf = (sizeBytes: number) =>
  Buffer.concat(Array.from({ length: sizeBytes / 65_536 }, (_, at) => noiseChunk(at + 1)))
const version = `galleries/${gallery}/images/${definition}/versions/1.0.0`
const health = `${version}/providers/Vitrine.Gallery/health`
const verify = `${version}/providers/Vitrine.Gallery/verify`
const spaces = '/providers/Vitrine.Gallery/spaces'
const home = 'westeurope/Standard_LRS/1'
const zone = 'eastus/Standard_ZRS/1/2'
const zonePath = '/providers/Vitrine.Gallery/locations/eastus/spaces/Standard_ZRS-1-2'

const Damage = z.object({ found: z.int(), repaired: z.int(), left: z.int() })
const Health = z.object({
  value: z.array(
    z.object({
      region: z.string(),
      state: z.string(),
      replicas: z.int(),
      packs: z.int(),
      bytes: z.int(),
      lastVerified: z.string().nullable(),
      damage: Damage,
      spaces: z.array(z.looseObject({ space: z.string(), state: z.string() })),
      lost: z.array(z.looseObject({ part: z.string(), offsetBytes: z.int() })),
    }),
  ),
})
const Space = z.object({
  name: z.string(),
  location: z.string(),
  properties: z.looseObject({
    space: z.string(),
    state: z.string(),
    why: z.string().optional(),
    place: z.string().nullable(),
    damage: Damage,
    lost: z.array(z.string()),
  }),
})

let vitrine: TestInstallation
let arm: Arm
let logged: LogEvent[]
afterEach(() => vitrine.close())

/** A version in a space of West Europe, two of North Europe and three zones of East US. */
async function published(config: ConfigOverrides = {}): Promise<void> {
  logged = []
  const world = { ...openWorld('error'), log: (event: LogEvent) => void logged.push(event) }
  vitrine = await openTestInstallation({ config: { sweepHoldSeconds: 0, ...config }, world })
  arm = openArm(vitrine)
  await makeDefinition(vitrine)
  const source = await arm.upload('source', bytes)
  await publishVersion(vitrine, '1.0.0', {
    source,
    targetRegions: [
      { name: 'westeurope', storageAccountType: 'Standard_LRS' },
      { name: 'northeurope', regionalReplicaCount: 2, storageAccountType: 'Standard_LRS' },
      { name: 'eastus', storageAccountType: 'Standard_ZRS' },
    ],
  })
  await vitrine.compute.disks.delete(group, 'source')
}

const folderOf = (space: string): string => join(vitrine.data, 'spaces', space)
const regions = async () => Health.parse((await arm.get(health)).body).value
const inRegion = async (name: string) => (await regions()).find(({ region }) => region === name)
const space = async (path = zonePath) => Space.parse((await arm.get(path)).body)

/** Looks until it is so. */
async function until<Found>(look: () => Promise<Found>, isSo: (found: Found) => boolean) {
  for (let tries = 0; tries < 400; tries++) {
    const found = await look()
    if (isSo(found)) return found
    await wait(50)
  }
  throw new Error(`it is still ${JSON.stringify(await look())}`)
}

describe('B18 the health of a version', () => {
  it('is told for each region: replicas, packs, bytes, when it was seen good, and damage', async () => {
    await published()
    const found = await regions()
    const good = {
      state: 'healthy',
      packs: 1,
      damage: { found: 0, repaired: 0, left: 0 },
      lost: [],
    }
    expect(found).toMatchObject([
      { region: 'eastus', ...good, packs: 3, replicas: 1 },
      { region: 'northeurope', ...good, packs: 2, replicas: 2 },
      { region: 'westeurope', ...good, replicas: 1 },
    ])
    for (const { lastVerified, bytes: stored } of found) {
      expect(Date.parse(lastVerified ?? '')).toBeGreaterThan(Date.now() - 600_000)
      expect(stored).toBeGreaterThan(0)
    }
    expect(found[0]?.spaces.map((one) => one.space)).toContain(zone)
  })

  it('after a verification counts what was found and mended', async () => {
    await published()
    const before = await inRegion('northeurope')
    await damagePacks(folderOf('northeurope/Standard_LRS/2'))
    const asked = await arm.ask('POST', verify, { body: { region: 'North Europe' } })
    expect(asked.status).toBe(202)
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    const after = await inRegion('northeurope')
    expect(after).toMatchObject({ state: 'healthy', damage: { found: 1, repaired: 1, left: 0 } })
    expect(Date.parse(after?.lastVerified ?? '')).toBeGreaterThan(
      Date.parse(before?.lastVerified ?? ''),
    )
    expect(logged.filter(({ event }) => event === 'pack-repaired')).toHaveLength(1)
  })

  it('that is damaged everywhere names the chunk, the disk and the spaces; so do reads', async () => {
    await published({ scrub: { everyDays: 100 } })
    for (const { spaces } of await regions()) {
      for (const one of spaces) await damagePacks(folderOf(one.space))
    }
    const asked = await arm.ask('POST', verify)
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    const found = await regions()
    expect(found.map(({ state }) => state)).toEqual(['damaged', 'damaged', 'damaged'])
    expect(found[2]?.lost).toMatchObject(
      [{ lun: null, part: 'chunk', offsetBytes: 0, space: home, digest: /./ }].map(
        ({ digest: _, ...rest }) => rest,
      ),
    )
    expect(found[2]?.damage).toEqual({ found: 1, repaired: 0, left: 1 })
    const losers = logged.filter(({ event }) => event === 'image-damaged')
    expect(losers.length).toBeGreaterThanOrEqual(3)
    await expect(arm.bytesOf(version, 'westeurope')).rejects.toThrow(/is damaged or missing in/)
  })

  it('is told of disks too, and of what has no bytes nothing', async () => {
    await published()
    await arm.upload('kept', bytes)
    const ofDisk = await arm.get('disks/kept/providers/Vitrine.Gallery/health')
    expect(Health.parse(ofDisk.body).value).toMatchObject([
      { region: 'westeurope', state: 'healthy', replicas: 1 },
    ])
    const ofGallery = await arm.get(`galleries/${gallery}/providers/Vitrine.Gallery/health`)
    expect(ofGallery.body).toEqual({ value: [] })
  })

  it('is had at once: who asks does not wait for the rate of scrubs', async () => {
    // At that rate the wait would outlast the patience of `ended`.
    await published({ scrub: { bytesPerSecond: mib } })
    await arm.upload('large', noiseOf(64 * mib))
    const asked = await arm.ask('POST', 'disks/large/providers/Vitrine.Gallery/verify')
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
  })

  it('refuses to verify what is not there, where it is not, and for who may only read', async () => {
    await published()
    const post = async (path: string, body?: unknown) => {
      const answer = await arm.ask('POST', path, { body })
      return { status: answer.status, code: errorOf(answer).code }
    }
    const invalid = { status: 400, code: 'InvalidParameter' }
    expect(await post(verify, { region: 'westus' })).toEqual(invalid)
    expect(await post(verify, { region: 7 })).toEqual(invalid)
    expect(await post(verify, { zone: 1 })).toEqual(invalid)
    const nothing = `galleries/${gallery}/providers/Vitrine.Gallery/verify`
    expect(await post(nothing)).toEqual(invalid)
    const missing = verify.replace('1.0.0', '9.9.9')
    expect(await post(missing)).toMatchObject({ status: 404 })
    expect((await arm.ask('GET', verify)).status).toBe(405)
    expect((await arm.ask('POST', health)).status).toBe(405)
    const reader = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: arm.groupPath },
    ])
    expect((await reader.ask('POST', verify)).status).toBe(403)
    expect((await reader.get(health)).status).toBe(200)
  })
})

describe('B18 scrubs', () => {
  it('find and mend damage of packs and roots by themselves', async () => {
    await published({ scrub: { everyDays: 1e-6 } })
    await damagePacks(folderOf('northeurope/Standard_LRS/1'))
    for (const pack of await packsBelow(folderOf(zone))) await rm(pack)
    const roots = join(folderOf('northeurope/Standard_LRS/2'), 'roots')
    const [root = ''] = await readdir(roots)
    await rm(join(roots, root))
    const isMended = ({ damage }: { damage: { repaired: number } } = { damage: { repaired: 0 } }) =>
      damage.repaired > 0
    await until(() => inRegion('northeurope'), isMended)
    await until(() => inRegion('eastus'), isMended)
    await until(async () => existsSync(join(roots, root)), Boolean)
    const told = logged.filter(({ event }) => event === 'scrub-found-damage')
    expect(told.length).toBeGreaterThanOrEqual(1)
  })
})

describe('B18 a zone that is away', () => {
  it('holds up no zone redundant replica: two zones suffice until it is back', async () => {
    vitrine = await openTestInstallation({ config: { rebuildAfterMinutes: 0 } })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    const source = await arm.upload('source', bytes)
    // Where its folder should be lies a file: it can neither be looked at nor made.
    await mkdir(dirname(folderOf(zone)), { recursive: true })
    await writeFile(folderOf(zone), '')
    const target = { name: 'eastus', storageAccountType: 'Standard_ZRS' }
    const targetRegions = [{ name: 'westeurope' }, target]
    await publishVersion(vitrine, '1.0.0', { source, targetRegions })
    expect((await arm.get(version)).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    })
    expect(await inRegion('eastus')).toMatchObject({ state: 'degraded', replicas: 1, packs: 2 })
    expect(Buffer.compare(await arm.bytesOf(version, 'eastus'), bytes)).toBe(0)
    await rm(folderOf(zone))
    await until(
      () => inRegion('eastus'),
      (found) => found?.state === 'healthy',
    )
    expect(await inRegion('eastus')).toMatchObject({ replicas: 1, packs: 3 })
    expect(await readdir(join(folderOf(zone), 'roots'))).toHaveLength(1)
  })
})

describe('B18 a space that is lost', () => {
  it('is made anew by itself after its time, and readers notice nothing', async () => {
    await published({ rebuildAfterMinutes: 0 })
    const before = (await space()).properties
    expect(before).toMatchObject({ state: 'here', space: zone, place: folderOf(zone) })
    await rm(folderOf(zone), { recursive: true })
    const reading = arm.bytesOf(version, 'eastus')
    const after = await until(
      async () => (await space()).properties,
      ({ state, storeId }) => state === 'here' && storeId !== before.storeId,
    )
    expect(Buffer.compare(await reading, bytes)).toBe(0)
    expect(after).toMatchObject({ packs: 1, damage: { found: 1, repaired: 1, left: 0 }, lost: [] })
    expect(await inRegion('eastus')).toMatchObject({ state: 'healthy' })
    expect(await readdir(join(folderOf(zone), 'roots'))).toHaveLength(1)
    const events = logged.map(({ event }) => event)
    for (const event of ['space-gone', 'space-rebuild', 'space-rebuilt']) {
      expect(events).toContain(event)
    }
  })

  it('of its store.json alone is put right at once, since its packs say whose it is', async () => {
    await published({ rebuildAfterMinutes: 0.05 })
    const before = (await space()).properties.storeId
    const storeFile = join(folderOf(zone), 'store.json')
    await rm(storeFile)
    await until(
      async () => (await space()).properties,
      ({ state, storeId }) => state === 'here' && storeId !== before,
    )
    expect(JSON.parse(await readFile(storeFile, 'utf8'))).toMatchObject({ space: zone })
    expect((await space()).properties.damage).toEqual({ found: 0, repaired: 0, left: 0 })
    expect(logged.map(({ event }) => event)).toContain('space-bare')
  })

  it('waits for its time, is told meanwhile, and is made anew by one command', async () => {
    await published({ rebuildAfterMinutes: 0.5 })
    await rm(folderOf(zone), { recursive: true })
    await until(
      async () => (await space()).properties.state,
      (state) => state === 'gone',
    )
    expect(await inRegion('eastus')).toMatchObject({ state: 'degraded', replicas: 1 })
    expect(existsSync(folderOf(zone))).toBe(false)
    const asked = await arm.ask('POST', `${zonePath}/rebuild`)
    expect(asked.status).toBe(202)
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    expect((await space()).properties).toMatchObject({ state: 'here', lost: [] })
    expect(await inRegion('eastus')).toMatchObject({ state: 'healthy', replicas: 1 })
  })

  it('says which resources lay there alone', async () => {
    await published({ rebuildAfterMinutes: 'never' })
    const disk = await arm.upload('alone', diskOf(2))
    await rm(folderOf(home), { recursive: true })
    const path = '/providers/Vitrine.Gallery/locations/westeurope/spaces/Standard_LRS-1'
    const asked = await arm.ask('POST', `${path}/rebuild`)
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    expect((await space(path)).properties.lost).toEqual([disk])
    const ofDisk = await arm.get('disks/alone/providers/Vitrine.Gallery/health')
    expect(Health.parse(ofDisk.body).value).toMatchObject([{ state: 'damaged' }])
    expect(await inRegion('westeurope')).toMatchObject({ state: 'healthy' })
  })

  it('is not taken for one whose disk is not mounted, whatever its time', async () => {
    await published({ rebuildAfterMinutes: 0 })
    const { store } = vitrine.installation
    // Before the folder goes: a look in between would rightly take it for one that was emptied.
    await store.write(async (rows) => {
      const row = await rows.spaces.lock(zone as SpaceId)
      await rows.spaces.put({ ...row, mount: '/mnt/another-disk' })
    })
    await rm(folderOf(zone), { recursive: true })
    const { properties } = await until(space, ({ properties }) => properties.state === 'away')
    expect(properties.why).toMatch(/its disk is not mounted/)
    await wait(1_000)
    expect(existsSync(folderOf(zone))).toBe(false)
    expect((await space()).properties.state).toBe('away')
  })

  it('is listed with its place for owners of the installation alone', async () => {
    await published()
    const { body } = await arm.get(spaces)
    const all = z.object({ value: z.array(Space) }).parse(body).value
    expect(all.map(({ properties }) => properties.space)).toEqual(
      expect.arrayContaining([home, zone]),
    )
    const some = await arm.get('/providers/Vitrine.Gallery/locations/East US/spaces')
    const inEast = z.object({ value: z.array(Space) }).parse(some.body).value
    expect(new Set(inEast.map(({ location }) => location))).toEqual(new Set(['eastus']))
    const missing = await arm.get(`${zonePath}9`)
    expect(missing).toMatchObject({ status: 404 })
    expect((await arm.ask('POST', zonePath)).status).toBe(405)
    const owner = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.owner.id, scope: `/subscriptions/${vitrine.subscription}` },
    ])
    for (const [method, path] of [
      ['GET', spaces],
      ['GET', zonePath],
      ['POST', `${zonePath}/rebuild`],
    ] as const) {
      expect((await owner.ask(method, path)).status).toBe(403)
    }
  })
})
