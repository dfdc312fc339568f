import { invariant } from '../../src/base/assert.ts'
import { ArmError } from '../../src/domain/errors.ts'
import { regionName } from '../../src/domain/regions.ts'
import { parseResourceId } from '../../src/domain/resource-id.ts'
import type { OperationRow, ResourceRow } from '../../src/domain/rows.ts'
import { diskSpace } from '../../src/domain/spaces.ts'
import { actOnResource } from '../../src/providers/act.ts'
import { moveResources } from '../../src/providers/move.ts'
import type { Asked, Providers, Target } from '../../src/providers/ports.ts'
import { removeResource } from '../../src/providers/remove.ts'
import { writeResource } from '../../src/providers/write.ts'
import type { Plane } from '../../src/regions/plane.ts'
import { clearPages, type Staging, stagePage } from '../../src/regions/staging.ts'
import { sweepSpace } from '../../src/regions/sweep-space.ts'
import { contentOf } from '../../src/resources/content.ts'
import { stagingOf } from '../../src/resources/pending-content.ts'

const subscription = '00000000-0000-4000-8000-000000000001'
export const group = `/subscriptions/${subscription}/resourceGroups/rg`
export const otherGroup = `${group}2`
const compute = `${group}/providers/Microsoft.Compute`
export const gallery = `${compute}/galleries/g`
export const definition = `${gallery}/images/linux`
export const versionId = (name: string): string => `${definition}/versions/${name}`
export const imageId = (name: string): string => `${compute}/images/${name}`
export const diskId = (name: string): string => `${compute}/disks/${name}`
export const snapshotId = (name: string): string => `${compute}/snapshots/${name}`
const accountId = `${group}/providers/Microsoft.Storage/storageAccounts/vhds1`

const always = { ifMatch: undefined, ifNoneMatch: undefined }
export const ownerAsked: Asked = {
  caller: {
    principalId: 'owner',
    tenantId: 'tenant',
    name: 'owner',
    kind: 'Application',
    may: () => true,
    visible: () => 'all',
    heldAt: () => [],
    mayGive: () => true,
    mayLink: () => true,
    reaches: () => true,
    holdsIn: () => true,
  },
  correlationId: 'test',
  apiVersion: '',
}

const location = 'westeurope'
const pageBytes = 512 * 1024
const zeros = Buffer.alloc(pageBytes)

type Ports = { readonly providers: Providers; readonly plane: Plane; quiet(): Promise<void> }

/** A wanted region as a client writes it. */
export type Wanted = {
  readonly name: string
  readonly regionalReplicaCount?: number
  readonly storageAccountType?: 'Standard_LRS' | 'Standard_ZRS' | 'Premium_LRS'
}

/** What a patient client does: each ends when the work is done, and may be asked again when it broke off. */
export function asOwner({ providers, plane, quiet }: Ports) {
  const { store } = providers
  const signal = new AbortController().signal

  async function put(path: string, body: unknown): Promise<OperationRow | undefined> {
    const target = targetOf(providers, path)
    const read = async () => ({ mode: 'replace', body }) as const
    const request = { preconditions: always, read }
    const { operation } = await writeResource(providers, askedOf(target), target, request)
    return operation
  }

  /** Undefined when it is not there (any more). */
  async function remove(path: string): Promise<OperationRow | undefined> {
    const target = targetOf(providers, path)
    try {
      const removed = await removeResource(providers, askedOf(target), target, always)
      return removed?.operation
    } catch (error) {
      if (error instanceof ArmError && error.code === 'ResourceGroupNotFound') return undefined
      throw error
    }
  }

  async function act(path: string, action: string, body: unknown): Promise<void> {
    const target = targetOf(providers, path)
    const request = { name: action, read: async () => body }
    await actOnResource(providers, askedOf(target), target, request)
  }

  /** Resources of the group to the other one; does not wait. */
  async function move(...resources: readonly string[]): Promise<void> {
    const body = { resources, targetResourceGroup: otherGroup }
    const target = targetOf(providers, group)
    await moveResources(providers, askedOf(target), target, async () => body)
  }

  const find = (path: string): Promise<ResourceRow | undefined> =>
    store.read.resources.get(path.toLowerCase())

  /** Group, gallery and definition. */
  async function makeDefinition(): Promise<void> {
    await put(group, { location })
    await put(gallery, { location })
    await put(definition, {
      location,
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        hyperVGeneration: 'V1',
        identifier: { publisher: 'Contoso', offer: 'Finance', sku: 'Backend' },
      },
    })
  }

  async function beginUpload(name: string, sizeBytes: number): Promise<void> {
    const path = diskId(name)
    if ((await find(path)) === undefined) {
      await put(path, {
        location,
        properties: {
          osType: 'Linux',
          hyperVGeneration: 'V1',
          creationData: { createOption: 'Upload', uploadSizeBytes: sizeBytes },
        },
      })
    }
    await act(path, 'beginGetAccess', { access: 'Write', durationInSeconds: 3600 })
  }

  async function sendPages(name: string, bytes: Uint8Array): Promise<void> {
    const disk = await find(diskId(name))
    const staging = disk && stagingOf(disk)
    invariant(staging, 'an upload has a place')
    await stagePages(staging, bytes)
  }

  /** Pages of zeros are cleared, as clients do. */
  async function stagePages(staging: Staging, bytes: Uint8Array): Promise<void> {
    for (let offsetBytes = 0; offsetBytes < bytes.length; offsetBytes += pageBytes) {
      const page = bytes.subarray(offsetBytes, offsetBytes + pageBytes)
      // Written over with another upload, a hole is still to be one.
      if (zeros.subarray(0, page.length).equals(page)) {
        await clearPages(plane, { ...staging, offsetBytes, lengthBytes: page.length })
        continue
      }
      await stagePage(plane, { ...staging, offsetBytes, bytes: page, signal })
    }
  }

  /** Once; does not wait. */
  async function closeUpload(name: string): Promise<void> {
    const disk = await find(diskId(name))
    if (disk?.state !== 'Succeeded' || contentOf(disk.status).length > 0) return
    await act(diskId(name), 'endGetAccess', undefined)
  }

  async function endUpload(name: string): Promise<void> {
    await quiet()
    await closeUpload(name)
    await quiet()
  }

  async function makeImage(name: string, disk: string): Promise<void> {
    const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id: diskId(disk) } }
    const properties = { hyperVGeneration: 'V1', storageProfile: { osDisk } }
    await put(imageId(name), { location, properties })
  }

  async function publishImage(name: string, image: string, targetRegions: readonly Wanted[]) {
    const storageProfile = { source: { id: imageId(image) } }
    const properties = { publishingProfile: { targetRegions }, storageProfile }
    await put(versionId(name), { location, properties })
    await quiet()
  }

  async function upload(name: string, bytes: Uint8Array): Promise<void> {
    await quiet()
    const disk = await find(diskId(name))
    if (disk && contentOf(disk.status).length > 0) return
    await beginUpload(name, bytes.length)
    await sendPages(name, bytes)
    await endUpload(name)
  }

  /** Creates or updates a version of these disks, the OS disk first; does not wait. */
  async function askVersion(
    name: string,
    disks: string | readonly string[],
    targetRegions: readonly Wanted[],
  ) {
    const [os, ...data] = [disks].flat().map((disk) => ({ source: { id: diskId(disk) } }))
    const dataDiskImages = data.map((disk, lun) => ({ ...disk, lun }))
    return await put(versionId(name), {
      location,
      properties: {
        publishingProfile: { targetRegions },
        storageProfile: { osDiskImage: os, ...(data.length > 0 && { dataDiskImages }) },
      },
    })
  }

  async function publish(...asked: Parameters<typeof askVersion>): Promise<void> {
    await askVersion(...asked)
    await quiet()
  }

  /** Of a disk here, or of a snapshot elsewhere; does not wait. */
  async function askSnapshot(name: string, from: { disk: string } | { far: string }) {
    const [createOption, sourceResourceId, region] =
      'disk' in from
        ? ['Copy', diskId(from.disk), location]
        : ['CopyStart', snapshotId(from.far), 'eastus']
    const creationData = { createOption, sourceResourceId }
    await put(snapshotId(name), { location: region, properties: { creationData } })
  }

  /** Blobs of a storage account with these bytes, as its endpoint would leave them. */
  async function makeBlobs(blobs: Readonly<Record<string, Uint8Array>>): Promise<void> {
    await put(accountId, { location, sku: { name: 'Standard_LRS' }, kind: 'StorageV2' })
    const account = accountId.toLowerCase()
    const { id: space } = diskSpace(regionName(location))
    const at = { etag: 'e', createdMs: 0, updatedMs: 0 }
    const container = { account, name: 'vhds', space, metadata: {}, ...at }
    await store.write((rows) => rows.blobs.addContainer(container))
    const made = await store.read.blobs.container(account, 'vhds')
    invariant(made, 'the container is there')
    for (const [name, bytes] of Object.entries(blobs)) {
      const upload = `blob-${name}`
      await stagePages({ upload, space }, bytes)
      const facts = { type: 'PageBlob', upload, sizeBytes: bytes.length, facts: {} } as const
      const blob = { container: made.id, name, ...facts, ...at }
      await store.write((rows) => rows.blobs.insert(blob))
    }
  }

  /** A version of these blobs, the OS disk first; does not wait. */
  async function askVersionOfBlobs(
    name: string,
    blobs: readonly string[],
    targetRegions: readonly Wanted[],
  ): Promise<void> {
    const [os, ...data] = blobs.map((blob) => ({
      source: { uri: `https://here/vhds1/vhds/${blob}`, storageAccountId: accountId },
    }))
    const dataDiskImages = data.map((disk, lun) => ({ ...disk, lun }))
    const storageProfile = { osDiskImage: os, dataDiskImages }
    const properties = { publishingProfile: { targetRegions }, storageProfile }
    await put(versionId(name), { location, properties })
  }

  async function removed(path: string): Promise<void> {
    await remove(path)
    await quiet()
  }

  /** Twice: what the first look condemns, the second one deletes. */
  async function sweep(): Promise<void> {
    for (let look = 0; look < 3; look++) {
      for (const space of await store.holdings.spaces()) {
        await sweepSpace(plane, { space, holdMs: 0, signal })
      }
    }
  }

  return {
    put,
    remove,
    act,
    move,
    find,
    makeDefinition,
    beginUpload,
    sendPages,
    closeUpload,
    endUpload,
    upload,
    makeImage,
    publishImage,
    askVersion,
    askSnapshot,
    makeBlobs,
    askVersionOfBlobs,
    publish,
    removed,
    sweep,
  }
}

function targetOf(providers: Providers, path: string): Target {
  const id = parseResourceId(path)
  const type = id && providers.findType(id.type)
  invariant(id && type, `${path} names a resource`)
  return { id, type }
}

/** The newest api-version of the type. */
function askedOf({ type }: Target): Asked {
  const apiVersion = type.apiVersions.toSorted((a, b) => (a < b ? -1 : 1)).at(-1) ?? ''
  return { ...ownerAsked, apiVersion }
}
