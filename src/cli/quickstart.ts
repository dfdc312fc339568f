import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { World } from '../base/world.ts'
import { ClientError } from '../client/client-error.ts'
import type { Digest } from '../domain/digest.ts'
import type { JsonObject } from '../domain/rows.ts'
import { downloadVersion } from './download-version.ts'
import { followVersion } from './follow-version.ts'
import { apiVersions } from './paths.ts'
import type { Access } from './profile.ts'
import { type DemoDisk, makeDisk, takeDisk } from './quickstart/demo-disk.ts'
import { nextSteps } from './quickstart/next-steps.ts'
import { openStory, type Story } from './quickstart/story.ts'
import type { RegionProgress } from './region-progress.ts'
import { resolveVersion } from './resolve-version.ts'
import { openSession, type Session } from './session.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes } from './units.ts'
import { uploadForVersion } from './upload-for-version.ts'

type QuickstartOptions = {
  /** The owner of a server that is running. */
  readonly access: Access
  /** A disk of the user's; one is made when undefined. */
  readonly file: string | undefined
  /** The data folder; what is made here lies below it and is removed at the end. */
  readonly folder: string
  /** True when server or data are still there afterwards: the next steps then speak of them. */
  readonly stays?: boolean
  readonly world: World
  readonly out: Terminal
  readonly err: Terminal
  readonly signal: AbortSignal
}

const home = 'westeurope'
const away = 'eastus'
const targetRegions = [
  { name: home, regionalReplicaCount: 1, storageAccountType: 'Standard_ZRS' },
  { name: 'northeurope', regionalReplicaCount: 2 },
  { name: away, regionalReplicaCount: 1 },
]

/** What the steps share. */
type Stage = QuickstartOptions & {
  readonly session: Session
  readonly story: Story
  readonly workFolder: string
  readonly names: { readonly group: string; readonly gallery: string; readonly definition: string }
}

/**
 * The main job, told step by step: a real disk is published to three regions, changed and published again; `latest` is
 * read in another region and compared bit by bit. Names are fresh each time. Throws ClientError.
 */
export async function runQuickstart(options: QuickstartOptions): Promise<void> {
  const { world, folder } = options
  const mark = world.id().slice(0, 6)
  const workFolder = join(folder, `quickstart-${mark}`)
  const session = await openSession(options.access, world)
  const names = { group: `quickstart-${mark}`, gallery: `quickstart${mark}`, definition: 'demo' }
  const story = openStory(options.out, world)
  try {
    await mkdir(workFolder, { recursive: true })
    await tell({ ...options, session, story, workFolder, names })
  } finally {
    session.client.close()
    await rm(workFolder, { recursive: true, force: true })
  }
}

async function tell(stage: Stage): Promise<void> {
  const { story } = stage
  story.title('From a disk file to a replicated image, and back')
  const disk = await prepareDisk(stage)
  await makeContainers(stage)
  story.step('Publish it as 1.0.0 to three regions')
  const first = await publish(stage, { version: '1.0.0', disk })
  story.step('Change the disk, publish 1.0.1')
  story.say(await disk.change())
  const second = await publish(stage, { version: '1.0.1', disk, parent: '1.0.0' })
  story.table(movedRows(first, second))
  await prove(stage, disk)
  story.end()
  stage.out.write(nextSteps(stage))
}

async function prepareDisk(stage: Stage): Promise<DemoDisk> {
  stage.story.step(stage.file === undefined ? 'Make a real disk' : 'Take the disk')
  const options = {
    folder: stage.workFolder,
    programFolder: join(import.meta.dirname, '..', '..'),
    signal: stage.signal,
  }
  const disk =
    stage.file === undefined ? await makeDisk(options) : await takeDisk(stage.file, options)
  stage.story.say(disk.says)
  return disk
}

async function makeContainers(stage: Stage): Promise<void> {
  const { names, session, story } = stage
  const { group, gallery, definition } = names
  story.step('Create a gallery and an image definition')
  await put(stage, session.paths.group(group), apiVersions.groups, { location: home })
  await put(stage, session.paths.gallery(group, gallery), apiVersions.galleries, {
    location: home,
    properties: { description: 'Made by the quickstart' },
  })
  await put(stage, session.paths.definition(group, gallery, definition), apiVersions.galleries, {
    location: home,
    properties: {
      osType: 'Linux',
      osState: 'Generalized',
      hyperVGeneration: 'V1',
      identifier: { publisher: 'Vitrine', offer: 'Quickstart', sku: 'Demo' },
    },
  })
  story.say(`resource group ${group}, gallery ${gallery}, image definition ${definition}`)
}

async function put(stage: Stage, path: string, apiVersion: string, body: JsonObject) {
  const { session, signal } = stage
  const answer = await session.client.call('PUT', path, { apiVersion, body, signal })
  await session.client.wait(answer, { signal })
}

type Publish = {
  readonly version: string
  readonly disk: DemoDisk
  /** The version before: what it has is not sent again. */
  readonly parent?: string
}

async function publish(stage: Stage, wanted: Publish): Promise<readonly RegionProgress[]> {
  const { session, names, signal } = stage
  const { version, disk, parent } = wanted
  const options = { ...stage, terminal: stage.out }
  const versionPath = session.paths.version({ ...names, version })
  const source = await uploadForVersion({
    ...options,
    stateFolder: stage.workFolder,
    file: disk.file,
    group: names.group,
    versionPath,
    location: home,
    parents: parent === undefined ? [] : [await find(stage, parent)],
  })
  const body = {
    location: home,
    properties: {
      publishingProfile: { targetRegions },
      storageProfile: { osDiskImage: { source: { id: source.id } } },
    },
  }
  const asked = { apiVersion: apiVersions.galleries, body, signal }
  const answer = await session.client.call('PUT', versionPath, asked)
  const { regions } = await followVersion({ ...options, versionPath, answer })
  await source.remove()
  return regions
}

function find({ session, names, signal }: Stage, version: string): Promise<JsonObject> {
  return resolveVersion(session, { ...names, version }, { region: home, signal })
}

/** How many bytes each version moved into each region. */
function movedRows(
  first: readonly RegionProgress[],
  second: readonly RegionProgress[],
): readonly (readonly string[])[] {
  const rows = second.map((region) => {
    const before = first.find((one) => one.displayName === region.displayName)
    const [all, few] = [before?.bytesDone ?? 0, region.bytesDone]
    const share = all > 0 ? `${((few / all) * 100).toFixed(1)} %` : ''
    return [region.displayName, formatBytes(all), formatBytes(few), share]
  })
  return [['bytes moved', '1.0.0', '1.0.1', ''], ...rows]
}

async function prove(stage: Stage, disk: DemoDisk): Promise<void> {
  const { session, names, signal, story } = stage
  story.step('Resolve latest, read it in another region')
  const asked = { ...names, version: 'latest' }
  const version = await resolveVersion(session, asked, { region: away, signal })
  story.say(`latest in East US is ${version.name}`)
  const [expected, there] = await Promise.all([disk.digest(), read(stage, version, away)])
  story.table([
    ['SHA-256 of the disk that was published', expected],
    ['SHA-256 of latest, read in East US', there],
  ])
  if (expected !== there)
    throw new ClientError({
      code: 'NotIdentical',
      message: 'What came out is not what went in.',
      nextStep: 'This must never happen: please report it with the log of the server.',
    })
  story.good('bit-identical')
}

/** Downloads the OS disk of a version as a raw file and returns its digest. */
async function read(stage: Stage, version: JsonObject, location: string): Promise<Digest> {
  const out = join(stage.workFolder, `${location}.raw`)
  const { group } = stage.names
  const options = { ...stage, terminal: stage.out, version, location, group, out }
  return (await downloadVersion({ ...options, lun: undefined, format: 'raw' })).sha256
}
