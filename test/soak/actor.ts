import { setTimeout as sleep } from 'node:timers/promises'
import { pageBlob } from '../support/main-job.ts'
import type { OwnerClients } from '../support/owner-clients.ts'
import type { Chance } from './chance.ts'
import { diskContent } from './disk-content.ts'

export const group = 'soak'
export const gallery = 'soakGallery'
const location = 'westeurope'
const pageBytes = 1024 * 1024
/** The longest that everything may be in trouble at once, and more. */
const patienceMs = 300_000

type TargetRegion = {
  readonly name: string
  readonly storageAccountType: string
  readonly regionalReplicaCount: number
}

/** What an actor was told that exists. */
export type Known = {
  readonly definition: string
  /** The numbers of the contents, by name of version. */
  readonly versions: ReadonlyMap<string, { content: number; regions: readonly TargetRegion[] }>
  readonly disks: ReadonlyMap<string, number>
}

export type Actor = ReturnType<typeof openActor>

/**
 * Somebody with a definition of their own, who asks for one thing after another as patient people do: what was not
 * answered, or answered with trouble that passes, is asked again.
 */
export function openActor(name: string, clients: OwnerClients, chance: Chance) {
  const { compute, subscription } = clients
  const { disks: diskApi, galleryImageVersions: versionApi, galleryImages } = compute
  const definition = `linux-${name}`
  const versions = new Map<string, { content: number; regions: readonly TargetRegion[] }>()
  const disks = new Map<string, number>()
  const done: Record<string, number> = {}
  let made = 0

  const diskId = (disk: string) =>
    `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/disks/${disk}`

  async function begin(): Promise<void> {
    await patiently(() =>
      galleryImages.createOrUpdate(group, gallery, definition, {
        location,
        osType: 'Linux',
        osState: 'Generalized',
        hyperVGeneration: 'V1',
        identifier: { publisher: 'Contoso', offer: 'Soak', sku: name },
      }),
    )
  }

  async function upload(): Promise<boolean> {
    const disk = `disk-${name}-${made++}`
    const content = chance.seed()
    const bytes = diskContent(content)
    await patiently(() =>
      diskApi.createOrUpdate(group, disk, {
        location,
        osType: 'Linux',
        hyperVGeneration: 'V1',
        creationData: { createOption: 'Upload', uploadSizeBytes: bytes.length },
      }),
    )
    const access = { access: 'Write', durationInSeconds: 3600 }
    const { accessSAS } = await patiently(() => diskApi.grantAccess(group, disk, access))
    const blob = pageBlob(accessSAS ?? '')
    for (let at = 0; at < bytes.length; at += pageBytes) {
      const page = Buffer.from(bytes.subarray(at, at + pageBytes))
      if (page.every((byte) => byte === 0)) continue
      await patiently(() => blob.uploadPages(page, at, page.length))
    }
    await patiently(() => diskApi.revokeAccess(group, disk))
    disks.set(disk, content)
    return true
  }

  async function publish(): Promise<boolean> {
    if (disks.size === 0) await upload()
    const [disk, content] = chance.of([...disks])
    const version = `1.0.${made++}`
    const regions = someRegions(chance)
    const body = { storageProfile: { osDiskImage: { source: { id: diskId(disk) } } } }
    await putVersion(version, regions, body)
    versions.set(version, { content, regions })
    return true
  }

  /** A version of a snapshot, which goes as soon as the version is there. */
  async function publishSnapshot(): Promise<boolean> {
    if (disks.size === 0) return false
    const [disk, content] = chance.of([...disks])
    const snapshot = `snapshot-${name}-${made++}`
    const creationData = { createOption: 'Copy', sourceResourceId: diskId(disk) }
    const { id = '' } = await patiently(() =>
      compute.snapshots.createOrUpdate(group, snapshot, { location, creationData }),
    )
    const version = `1.0.${made++}`
    const regions = someRegions(chance)
    await putVersion(version, regions, { storageProfile: { osDiskImage: { source: { id } } } })
    versions.set(version, { content, regions })
    await patiently(() => compute.snapshots.delete(group, snapshot))
    await expectGone(() => compute.snapshots.get(group, snapshot))
    return true
  }

  async function putVersion(version: string, targetRegions: readonly TargetRegion[], body = {}) {
    const properties = { location, publishingProfile: { targetRegions: [...targetRegions] } }
    await patiently(async () => {
      const stored = await versionApi.createOrUpdate(group, gallery, definition, version, {
        storageProfile: {},
        ...properties,
        ...body,
      })
      if (stored.provisioningState !== 'Succeeded') throw new Error('not yet')
    })
  }

  async function update(): Promise<boolean> {
    if (versions.size === 0) return false
    const [version, { content, regions: before }] = chance.of([...versions])
    const regions = someRegions(chance, before)
    const { storageProfile } = await patiently(() =>
      versionApi.get(group, gallery, definition, version),
    )
    await putVersion(version, regions, { storageProfile })
    versions.set(version, { content, regions })
    return true
  }

  async function deleteVersion(): Promise<boolean> {
    if (versions.size < 2) return false
    const [version] = chance.of([...versions])
    await patiently(() => versionApi.delete(group, gallery, definition, version))
    await expectGone(() => versionApi.get(group, gallery, definition, version))
    versions.delete(version)
    return true
  }

  async function deleteDisk(): Promise<boolean> {
    if (disks.size < 2) return false
    const [disk] = chance.of([...disks])
    await patiently(() => diskApi.delete(group, disk))
    await expectGone(() => diskApi.get(group, disk))
    disks.delete(disk)
    return true
  }

  /** A disk from a version, in one of its regions, downloaded and compared. */
  async function read(): Promise<boolean> {
    if (versions.size === 0) return false
    const [version, { content, regions }] = chance.of([...versions])
    await readFrom(version, content, chance.of(regions).name)
    return true
  }

  async function readFrom(version: string, content: number, region: string): Promise<void> {
    const disk = `read-${name}-${made++}`
    const id = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}/versions/${version}`
    const creationData = { createOption: 'FromImage', galleryImageReference: { id } }
    await patiently(() => diskApi.createOrUpdate(group, disk, { location: region, creationData }))
    const access = { access: 'Read', durationInSeconds: 3600 }
    const { accessSAS } = await patiently(() => diskApi.grantAccess(group, disk, access))
    const vhd = await patiently(() => pageBlob(accessSAS ?? '').downloadToBuffer())
    const bytes = vhd.subarray(0, vhd.length - 512)
    if (Buffer.compare(bytes, diskContent(content)) !== 0) {
      throw new Error(`${version} of ${definition} reads other bytes in ${region}`)
    }
    await patiently(() => diskApi.revokeAccess(group, disk))
    await patiently(() => diskApi.delete(group, disk))
  }

  const deeds = [
    { deed: 'publish', weight: 4, act: publish },
    { deed: 'publishSnapshot', weight: 2, act: publishSnapshot },
    { deed: 'update', weight: 3, act: update },
    { deed: 'read', weight: 2, act: read },
    { deed: 'deleteVersion', weight: 2, act: deleteVersion },
    { deed: 'upload', weight: 1, act: upload },
    { deed: 'deleteDisk', weight: 1, act: deleteDisk },
  ]
  const weighted = deeds.flatMap((one) => Array.from({ length: one.weight }, () => one))

  async function actUntil(signal: AbortSignal): Promise<void> {
    await begin()
    while (!signal.aborted) {
      const { deed, act } = chance.of(weighted)
      if (await act()) done[deed] = (done[deed] ?? 0) + 1
    }
  }

  return { actUntil, readFrom, known: (): Known => ({ definition, versions, disks }), done }
}

/**
 * What a version may be asked for: one to three regions, West Europe always, as ARM wants the source's region. A region
 * that is there keeps its type.
 */
function someRegions(
  chance: Chance,
  before: readonly TargetRegion[] = [],
): readonly TargetRegion[] {
  const regions: TargetRegion[] = []
  for (const name of ['westeurope', 'northeurope', 'eastus']) {
    const zoned = name === 'westeurope' ? ['Standard_ZRS'] : []
    const drawn = chance.of(['Standard_LRS', 'Premium_LRS', ...zoned])
    const type = before.find((region) => region.name === name)?.storageAccountType ?? drawn
    const count = type === 'Standard_ZRS' ? 1 : chance.between(1, 2)
    if (name === 'westeurope' || chance.upTo(3) > 0) regions.push(regionOf(name, type, count))
  }
  return regions
}

function regionOf(name: string, storageAccountType: string, regionalReplicaCount: number) {
  return { name, storageAccountType, regionalReplicaCount }
}

async function expectGone(get: () => Promise<unknown>): Promise<void> {
  const status = await patiently(() =>
    get().then(
      () => 200,
      (error: unknown) => {
        if (statusOf(error) === 404) return 404
        throw error
      },
    ),
  )
  if (status !== 404) throw new Error('what was deleted is there')
}

/** Again and again, while what stands against it may pass. */
export async function patiently<Result>(act: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!mayPass(error) || performance.now() > deadline) throw error
      await sleep(100)
    }
  }
}

/**
 * No answer, a server in trouble, an operation that another one or a full disk ended. Never a refusal of what was asked,
 * and never a fault of the server's own.
 */
function mayPass(error: unknown): boolean {
  if (error instanceof Error && /InternalServerError|ImageDamaged/.test(codeAndWords(error))) {
    return false
  }
  const status = statusOf(error)
  return status === undefined || passing.includes(status)
}

const passing = [200, 408, 409, 429, 502, 503, 504, 507]

function codeAndWords(error: Error): string {
  return `${'code' in error ? error.code : ''} ${error.message}`
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}
