import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { checkSpace } from '../../src/offline/space-check.ts'
import { restoreSpaces } from '../../src/offline/space-restore.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { openWorld } from '../../src/world.ts'
import { openArm } from '../support/arm.ts'
import { damagePacks, packsBelow } from '../support/faulty-blobs.ts'
import { definition, gallery, group, makeDefinition, publishVersion } from '../support/main-job.ts'
import { diskOf } from '../support/stories.ts'
import { openTestInstallation } from '../support/test-installation.ts'

const world = { ...openWorld('error'), log: () => undefined }
const { signal } = new AbortController()
const bytes = diskOf(1)
const other = diskOf(2)
const version = `galleries/${gallery}/images/${definition}/versions/1.0.0`
const home = 'westeurope/Standard_LRS/1'
const second = 'northeurope/Standard_LRS/1'

let lost: string
let subscription: string

/** An installation whose database is gone: two versions in two regions, a disk, and their spaces. */
beforeAll(async () => {
  lost = await mkdtemp(join(tmpdir(), 'vitrine-lost-'))
  const vitrine = await openTestInstallation({ data: lost })
  subscription = vitrine.subscription
  await makeDefinition(vitrine)
  const arm = openArm(vitrine)
  await arm.upload('kept', other)
  for (const [name, disk] of [
    ['1.0.0', bytes],
    ['1.0.1', other],
  ] as const) {
    const source = await arm.upload(`source-${name}`, disk)
    const [westeurope, northeurope] = ['westeurope', 'northeurope'].map((region) => ({
      name: region,
      storageAccountType: 'Standard_LRS',
    }))
    const targetRegions = [westeurope, northeurope].filter((one) => one !== undefined)
    await publishVersion(vitrine, name, { source, targetRegions })
    await vitrine.compute.disks.delete(group, `source-${name}`)
  }
  await vitrine.close()
})
afterAll(() => rm(lost, { recursive: true }))

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-restore-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A copy of a space of the lost installation, to be harmed. */
async function copyOf(space: string): Promise<string> {
  const path = join(await folder(), 'space')
  await cp(join(lost, 'spaces', space), path, { recursive: true })
  return path
}

const check = (place: string) => checkSpace(place, { world, lanes: 1, signal })
const rootsIn = (place: string) => readdir(join(place, 'roots'))

describe('a space by itself', () => {
  it('is sound when every pack is what its name says and every root leads to all of its chunks', async () => {
    const place = join(lost, 'spaces', home)
    const before = await readFile(join(place, 'store.json'), 'utf8')
    const report = await check(place)
    expect(report).toMatchObject({
      isSound: true,
      store: { space: home, installation: expect.any(String) },
      badPacks: [],
      badRoots: [],
      roots: [{ isSound: true }, { isSound: true }, { isSound: true }],
    })
    const sizes = report.roots.flatMap(({ disks }) => disks.map((disk) => disk.virtualSizeBytes))
    expect(sizes).toEqual(sizes.map(() => bytes.length))
    expect(await readFile(join(place, 'store.json'), 'utf8')).toBe(before)
  })

  it('with a flipped bit says which disk of which resource lacks what', async () => {
    const place = await copyOf(second)
    await damagePacks(place)
    const { isSound, badPacks, roots } = await check(place)
    expect(isSound).toBe(false)
    expect(badPacks).toHaveLength((await packsBelow(place)).length)
    expect(badPacks[0]?.why).toMatch(/does not match its id/)
    const lostParts = roots.flatMap(({ disks }) => disks.flatMap((disk) => disk.lost))
    expect(lostParts).toContainEqual(expect.objectContaining({ part: 'chunk', offsetBytes: 0 }))
    for (const root of roots) expect(root.keeper).toMatch(/versions\/1\.0\.[01]$/)
  })

  it('without a pack, a root or its store.json is not sound, or has strays', async () => {
    const withoutPack = await copyOf(second)
    for (const pack of await packsBelow(withoutPack)) await rm(pack)
    const nothing = await check(withoutPack)
    expect(nothing).toMatchObject({ isSound: false, packs: 0, badPacks: [] })
    expect(nothing.roots.every(({ isSound }) => !isSound)).toBe(true)
    const withoutRoots = await copyOf(second)
    await rm(join(withoutRoots, 'roots'), { recursive: true })
    const strays = await check(withoutRoots)
    expect(strays).toMatchObject({ isSound: true, roots: [] })
    expect(strays.strayPacks).toHaveLength((await packsBelow(withoutRoots)).length)
    const cutRoot = await copyOf(second)
    const [root = ''] = await rootsIn(cutRoot)
    await writeFile(join(cutRoot, 'roots', root), '{"format": 1,')
    expect(await check(cutRoot)).toMatchObject({
      isSound: false,
      badRoots: [{ key: `roots/${root}` }],
    })
    const unnamed = await copyOf(second)
    await rm(join(unnamed, 'store.json'))
    expect(await check(unnamed)).toMatchObject({ isSound: false, store: null, badPacks: [] })
  })

  it('a blob that is none of a pack is told, and a place with nothing of a space is refused', async () => {
    const place = await copyOf(second)
    const [pack = ''] = await packsBelow(place)
    await copyFile(pack, join(dirname(pack), 'notes.txt'))
    expect((await check(place)).badPacks).toMatchObject([{ why: 'its name is none of a pack' }])
    await expect(check(await folder())).rejects.toThrow(/nothing of a space/)
    await expect(check(join(place, 'nowhere'))).rejects.toThrow(/nothing of a space/)
  })
})

// What is restored is an embedded database: PostgreSQL takes no part, and is run without it.
if (inject('database') !== 'postgres') describe('metadata that is lost', restoring)

function restoring(): void {
  async function restored(places: readonly string[]) {
    const data = join(await folder(), 'data')
    const config = await readConfig(undefined, { data })
    const told = await restoreSpaces(config, places, { world, signal })
    const settings = JSON.parse(await readFile(told.settingsFile, 'utf8'))
    const vitrine = await openTestInstallation({ data, config: { spaces: settings.spaces } })
    onTestFinished(() => vitrine.close())
    return { told, vitrine, arm: openArm(vitrine) }
  }

  it('comes back from the spaces: versions read bit for bit, and go on', async () => {
    const places = [home, second].map((space) => join(lost, 'spaces', space))
    const before = await blobsIn(places)
    const { told, vitrine, arm } = await restored(places)
    expect(told.versions.map((id) => id.split('/').at(-1)).sort()).toEqual(['1.0.0', '1.0.1'])
    expect(told.damaged).toEqual([])
    expect(told.leftOut).toEqual([expect.stringMatching(/disks\/kept$/)])
    expect(vitrine.subscription).toBe(subscription)
    const shown = await arm.get(`${version}?$expand=ReplicationStatus`)
    expect(shown.body).toMatchObject({
      properties: {
        provisioningState: 'Succeeded',
        replicationStatus: { aggregatedState: 'Completed' },
      },
    })
    expect(Buffer.compare(await arm.bytesOf(version, 'northeurope'), bytes)).toBe(0)
    const latest = `galleries/${gallery}/images/${definition}`
    expect(Buffer.compare(await arm.bytesOf(latest, 'westeurope'), other)).toBe(0)
    const image = await vitrine.compute.galleryImages.get(group, gallery, definition)
    expect(image.identifier).toMatchObject({ publisher: 'Contoso', offer: 'Finance' })
    // What the bill is made of begins again.
    const costsPath = `${version}/providers/Vitrine.Gallery/costs`
    await expect
      .poll(async () => valueAt((await arm.get(costsPath)).body, 'properties.storage.replicas'))
      .toBe(2)
    // It replicates on, and lets go.
    await publishOn(arm)
    expect(Buffer.compare(await arm.bytesOf(version, 'eastus'), bytes)).toBe(0)
    expect(await blobsIn(places)).toEqual(before)
    const health = await arm.get(`${version}/providers/Vitrine.Gallery/health`)
    expect(health.body).toMatchObject({ value: [{ region: 'eastus' }, {}, { state: 'healthy' }] })
  })

  it('comes back from one space of two: the other region is told, and copied again when asked', async () => {
    const { arm } = await restored([await copyOf(second)])
    const shown = await arm.get(`${version}?$expand=ReplicationStatus`)
    expect(shown.body).toMatchObject({ properties: { provisioningState: 'Failed' } })
    expect(Buffer.compare(await arm.bytesOf(version, 'northeurope'), bytes)).toBe(0)
    expect(await arm.make(version, shown.body)).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    })
    expect(Buffer.compare(await arm.bytesOf(version, 'westeurope'), bytes)).toBe(0)
  })

  it('comes back from roots of before they kept documents, as far as they tell', async () => {
    const place = await copyOf(second)
    for (const name of await rootsIn(place)) {
      const path = join(place, 'roots', name)
      const { documents: _, ...root } = JSON.parse(await readFile(path, 'utf8'))
      await writeFile(path, JSON.stringify(root))
    }
    const { arm } = await restored([place])
    const shown = await arm.get(version)
    expect(shown.body).toMatchObject({
      location: 'northeurope',
      properties: { provisioningState: 'Succeeded' },
    })
    expect(Buffer.compare(await arm.bytesOf(version, 'northeurope'), bytes)).toBe(0)
  })

  it('of a damaged space comes back with what is lost told', async () => {
    const place = await copyOf(second)
    await damagePacks(place)
    const { told, arm } = await restored([place])
    expect(told.damaged.length).toBeGreaterThan(0)
    const health = await arm.get(`${version}/providers/Vitrine.Gallery/health`)
    expect(health.body).toMatchObject({ value: [{ region: 'northeurope', state: 'damaged' }, {}] })
  })

  it('is not restored into a folder in use, from nothing, or of two installations at once', async () => {
    const data = join(await folder(), 'data')
    const config = await readConfig(undefined, { data })
    const restore = (places: readonly string[], into = config) =>
      restoreSpaces(into, places, { world, signal })
    await expect(restore([await folder()])).rejects.toThrow(/no store.json/)
    const foreign = await copyOf(second)
    const store = { format: 1, installation: 'another', space: 'eastus/Standard_LRS/1' }
    await writeFile(join(foreign, 'store.json'), JSON.stringify(store))
    await expect(restore([foreign, join(lost, 'spaces', home)])).rejects.toThrow(
      /different install/,
    )
    const regions = [{ displayName: 'East US' }]
    const elsewhere = await readConfig(undefined, { data, regions })
    await expect(restore([join(lost, 'spaces', home)], elsewhere)).rejects.toThrow(/leaves out/)
    const subscriptions = [{ id: '11111111-0000-4000-8000-000000000001', displayName: 'x' }]
    const others = await readConfig(undefined, { data, subscriptions })
    await expect(restore([join(lost, 'spaces', home)], others)).rejects.toThrow(/subscriptions/)
    await mkdir(data, { recursive: true })
    await writeFile(join(data, 'vitrine.db'), '')
    await expect(restore([join(lost, 'spaces', home)])).rejects.toThrow(/holds an installation/)
  })
}

async function publishOn(arm: ReturnType<typeof openArm>): Promise<void> {
  const { body } = await arm.get(version)
  const { properties, ...rest } = body as {
    properties: { publishingProfile: { targetRegions: object[] } }
  }
  const { targetRegions } = properties.publishingProfile
  const more = [...targetRegions, { name: 'East US', storageAccountType: 'Standard_LRS' }]
  const publishingProfile = { ...properties.publishingProfile, targetRegions: more }
  await arm.make(version, { ...rest, properties: { ...properties, publishingProfile } })
}

async function blobsIn(places: readonly string[]): Promise<readonly string[]> {
  const all = await Promise.all(
    places.map((place) => readdir(place, { recursive: true, withFileTypes: true })),
  )
  return all
    .flat()
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
