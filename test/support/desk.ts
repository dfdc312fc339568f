import { present } from '../../src/api/arm/present.ts'
import { readQuery } from '../../src/api/arm/request.ts'
import { invariant } from '../../src/base/assert.ts'
import type { Digest } from '../../src/domain/digest.ts'
import type { Placement } from '../../src/domain/holdings.ts'
import type { Problem } from '../../src/domain/problem.ts'
import { openRegions, type Region, type RegionName } from '../../src/domain/regions.ts'
import {
  keyOf,
  parentOf,
  parseResourceId,
  resourceGroupType,
} from '../../src/domain/resource-id.ts'
import type { JsonObject, OperationRow, ReplicaRow, ResourceRow } from '../../src/domain/rows.ts'
import type { SharedImageId } from '../../src/domain/shared-image-id.ts'
import { diskSpace } from '../../src/domain/spaces.ts'
import { draftWrite, planWrite } from '../../src/providers/plan-write.ts'
import type { Fact, Facts, Need, Settings } from '../../src/resources/declaration.ts'
import { uniqueNameOf } from '../../src/resources/gallery.ts'
import { findType } from '../../src/resources/types.ts'
import type { Change } from '../../src/store/change.ts'

export const subscription = '00000000-0000-4000-8000-000000000001'
export const group = `/subscriptions/${subscription}/resourceGroups/myGalleryRG`
export const compute = `${group}/providers/Microsoft.Compute`
export const gallery = `${compute}/galleries/myGallery`
export const definition = `${gallery}/images/myImage`
export const newest = '2025-12-03'
export const diskVersion = '2026-03-02'
export const imageVersion = '2026-04-01'

const zones = ['1', '2', '3']
const region = (displayName: string, ...inZones: string[]): Region => ({
  name: displayName.replaceAll(' ', '').toLowerCase() as RegionName,
  displayName,
  zones: inZones,
})

export const settings: Settings = {
  regions: openRegions([
    region('West Europe', ...zones),
    region('East US 2', ...zones),
    region('South Central US', ...zones),
    region('West Central US'),
  ]),
  quotas: {
    galleriesPerRegion: 100,
    definitionsPerRegion: 1000,
    versionsPerRegion: 10_000,
    replicasPerRegion: 10,
    diskBytesMax: 1024 ** 4,
  },
  compatibility: { galleryNames: 'strict', endOfLife: 'enforce' },
  imports: { hosts: [] },
}

export type Answer =
  | { readonly row: ResourceRow; readonly change: Change; readonly problems: readonly [] }
  | { readonly problems: readonly Problem[] }

/**
 * Rows in memory behind the real rules: what PUT, PATCH and GET come to before and after the database. Regions are ready
 * when `finish` says so.
 */
export function openDesk(options: { readonly settings?: Settings; readonly now?: string } = {}) {
  const rows = new Map<string, ResourceRow>()
  const replicas: ReplicaRow[] = []
  const placements: Placement[] = []
  const used = options.settings ?? settings
  let now = new Date(options.now ?? '2026-11-21T10:00:00.120Z')
  let ids = 0

  function write(
    path: string,
    body: unknown,
    apiVersion: string,
    mode: 'replace' | 'merge',
  ): Answer {
    const id = parseResourceId(path)
    const type = id && findType(id.type)
    invariant(id && type, `${path} is of a known type`)
    const above = aboveOf(path)
    const stored = rows.get(id.key)
    const freshId = `00000000-0000-4000-9000-${String(++ids).padStart(12, '0')}`
    const target = { id, type }
    const situation = { target, apiVersion, above, stored, settings: used, now, freshId }
    const sent = JSON.parse(JSON.stringify(body))
    const drafted = draftWrite(situation, { mode, body: sent })
    if ('problems' in drafted) return drafted
    const facts = factsOf(type.needs?.(drafted.write) ?? {})
    const by = { name: 'tester', kind: 'User' } as const
    const operationOf = (row: ResourceRow) => operation(row)
    const planned = planWrite(situation, drafted.write, { facts, by, operationOf })
    if ('problems' in planned) return planned
    rows.set(id.key, planned.row)
    placements.push(...planned.change.keeps)
    return { row: planned.row, change: planned.change, problems: [] }
  }

  function aboveOf(path: string) {
    const above: ResourceRow[] = []
    let id = parseResourceId(path)
    while (id) {
      id = parentOf(id)
      const row = id && rows.get(id.key)
      if (row) above.push(row)
    }
    return {
      group: above.find((row) => row.type === resourceGroupType),
      ancestors: above.filter((row) => row.type !== resourceGroupType),
    }
  }

  function factsOf(needs: Readonly<Record<string, Need>>): Facts {
    return Object.fromEntries(Object.entries(needs).map(([name, need]) => [name, factOf(need)]))
  }

  function factOf(need: Need): Fact {
    const row = rows.get(keyIn(need) ?? '')
    return {
      row,
      replicas: replicas.filter((replica) => replica.versionKey === row?.key),
      placements: placements.filter((placement) => placement.keeper === row?.key),
    }
  }

  function keyIn(need: Need): string | undefined {
    if ('resource' in need) return keyOf(need.resource)
    if ('latestOf' in need) return latestOf(need.latestOf)?.key
    if ('blob' in need) return need.blob.account
    // Every gallery is shared here.
    if ('shared' in need) return versionOf(need.shared)
    const holders = [...rows.values()].filter((row) => {
      const id = parseResourceId(row.id)
      const type = findType(row.type)
      const claims = id && type?.claims?.(id, row.doc as never)
      return claims?.some((claim) => claim.name === need.claim)
    })
    return holders[0]?.key
  }

  function versionOf({ gallery: name, image, version }: SharedImageId): string | undefined {
    const path = [...rows.values()].find((row) => name === uniqueNameOf(row))?.id
    const of = `${path}/images/${image}`
    return version === undefined ? latestOf(of)?.key : keyOf(`${of}/versions/${version}`)
  }

  function latestOf(path: string): ResourceRow | undefined {
    const below = [...rows.values()].filter((row) => row.parentKey === keyOf(path))
    return below.toSorted((a, b) => (a.nameSort < b.nameSort ? 1 : -1))[0]
  }

  function rowAt(path: string): ResourceRow {
    const row = rows.get(keyOf(path))
    invariant(row, `${path} exists`)
    return row
  }

  write(group, { location: 'westeurope' }, '2021-04-01', 'replace')

  return {
    settings: used,
    put: (path: string, body: unknown, apiVersion = newest) =>
      write(path, body, apiVersion, 'replace'),
    patch: (path: string, body: unknown, apiVersion = newest) =>
      write(path, body, apiVersion, 'merge'),
    get(path: string, apiVersion = newest, query = ''): JsonObject {
      const row = rowAt(path)
      const type = findType(row.type)
      invariant(type, 'the row has a type')
      const own = replicas.filter((replica) => replica.versionKey === row.key)
      return present(
        { row, replicas: own },
        { type, apiVersion, settings: used, query: readQuery(`?${query}`), tellsOthers: true },
      )
    },
    rowAt,
    /** Changes what the server knows of a row, as work would. */
    edit(path: string, change: Partial<ResourceRow>): void {
      const row = rowAt(path)
      rows.set(row.key, { ...row, ...change })
    },
    /** Gives a disk the bytes of an image, as the work that ingests it would. */
    fill(path: string, virtualSizeBytes: number, digit = 'a'): void {
      const row = rowAt(path)
      const image = digit.repeat(64) as Digest
      const disks = [{ image, virtualSizeBytes, occupiedBytes: 1 }]
      rows.set(row.key, {
        ...row,
        state: 'Succeeded',
        status: { ...row.status, disks, diskState: 'Unattached' },
      })
      const space = diskSpace((row.region ?? '') as RegionName).id
      placements.push({ space, image, keeper: row.key })
    },
    /** The version is complete in these regions. */
    finish(path: string, ...regions: readonly string[]): void {
      const row = rowAt(path)
      rows.set(row.key, { ...row, state: 'Succeeded' })
      for (const name of regions) {
        replicas.push(replicaOf(row, { region: name }))
        const { id: space } = diskSpace(name as RegionName)
        const of = placements.filter((placement) => placement.keeper === row.key)
        placements.push(...of.map(({ image, keeper }) => ({ space, image, keeper })))
      }
    },
    replica(path: string, replica: Partial<ReplicaRow>): void {
      replicas.push(replicaOf(rowAt(path), replica))
    },
    deleteProblems(path: string, at: string): readonly Problem[] {
      const row = rowAt(path)
      return findType(row.type)?.deleteProblems?.(row as never, new Date(at)) ?? []
    },
    /** The clock, from now on. */
    setNow(text: string): void {
      now = new Date(text)
    },
  }
}

export type Desk = ReturnType<typeof openDesk>

/** A desk with a gallery, a definition (Linux, Generalized, V1) and a full 10 GiB disk in West Europe. */
export function stockedDesk(options: Parameters<typeof openDesk>[0] = {}): Desk {
  const desk = openDesk(options)
  accepted(desk.put(gallery, { location: 'westeurope' }))
  accepted(desk.put(definition, definitionBody()))
  const creationData = { createOption: 'Upload', uploadSizeBytes: 10 * 1024 ** 3 + 512 }
  const body = { location: 'westeurope', properties: { creationData, osType: 'Linux' } }
  accepted(desk.put(osDisk, body, diskVersion))
  desk.fill(osDisk, 10 * 1024 ** 3)
  return desk
}

export const osDisk = `${compute}/disks/osDisk`

export function definitionBody(properties: JsonObject = {}, location = 'westeurope'): JsonObject {
  return {
    location,
    properties: {
      osType: 'Linux',
      osState: 'Generalized',
      hyperVGeneration: 'V1',
      identifier: { publisher: 'Contoso', offer: 'Finance', sku: 'Backend' },
      ...properties,
    },
  }
}

/** A version of the OS disk. */
export function versionBody(profile: JsonObject = {}, properties: JsonObject = {}): JsonObject {
  return {
    location: 'westeurope',
    properties: {
      publishingProfile: { targetRegions: [{ name: 'westeurope' }], ...profile },
      storageProfile: { osDiskImage: { source: { id: osDisk } } },
      ...properties,
    },
  }
}

/** The stored row; fails the test with the problems when there are any. */
export function accepted(answer: Answer): ResourceRow {
  if ('row' in answer) return answer.row
  throw new Error(JSON.stringify(answer.problems))
}

/** Every reason against it; fails the test when there is none. */
export function refused(answer: Answer): readonly Problem[] {
  if ('row' in answer) throw new Error('it was accepted')
  return answer.problems
}

function replicaOf(row: ResourceRow, replica: Partial<ReplicaRow>): ReplicaRow {
  return {
    versionKey: row.key,
    region: 'westeurope',
    generation: row.generation,
    state: 'Completed',
    usable: true,
    bytesDone: 100,
    bytesTotal: 100,
    phase: '',
    bytesPerSecond: 0,
    reason: undefined,
    updatedMs: 0,
    ...replica,
  }
}

function operation(row: ResourceRow): OperationRow {
  return {
    id: '00000000-0000-4000-9000-000000000000',
    key: row.key,
    subscription: row.subscription,
    generation: row.generation,
    flavour: 'caps',
    verb: 'create',
    status: 'InProgress',
    error: undefined,
    output: undefined,
    principalId: '',
    correlationId: '',
    asked: undefined,
    startedMs: 0,
    endedMs: undefined,
  }
}
