import { describe, expect, it } from 'vitest'
import { openRegions, regionName } from '../domain/regions.ts'
import { parseResourceId } from '../domain/resource-id.ts'
import type { JsonObject, OperationRow, ResourceRow } from '../domain/rows.ts'
import type { ResourceType, Settings } from '../resources/declaration.ts'
import { galleries } from '../resources/gallery.ts'
import { resourceGroups } from '../resources/resource-group.ts'
import { countsOf } from './counts.ts'
import { draftWrite, planWrite, type Sent, type Situation } from './plan-write.ts'

const settings: Settings = {
  regions: openRegions([
    { name: regionName('westeurope'), displayName: 'West Europe', zones: [] },
    { name: regionName('eastus'), displayName: 'East US', zones: [] },
  ]),
  quotas: {
    galleriesPerRegion: 100,
    definitionsPerRegion: 1000,
    versionsPerRegion: 10_000,
    replicasPerRegion: 10,
    diskBytesMax: 2 ** 40,
  },
  compatibility: { galleryNames: 'strict', endOfLife: 'enforce' },
  imports: { hosts: [] },
}
const by = { name: 'tester', kind: 'User' } as const
const groupId = '/subscriptions/s/resourceGroups/myRG'
const west = { location: 'westeurope' }

const group: ResourceRow = {
  key: groupId.toLowerCase(),
  id: groupId,
  type: 'Microsoft.Resources/resourceGroups',
  parentKey: '/subscriptions/s',
  subscription: 's',
  region: 'westeurope',
  name: 'myRG',
  nameSort: 'myrg',
  state: 'Succeeded',
  generation: 1,
  revision: 1,
  doc: west,
  status: {},
  createdMs: 1,
  createdBy: by,
  updatedMs: 1,
  updatedBy: by,
}

function idOf(text: string) {
  const id = parseResourceId(text)
  if (!id) throw new Error(`${text} is no id`)
  return id
}

/** A write of `body`, planned on what is stored, without facts. */
function plan(type: ResourceType, path: string, body: JsonObject, over: Partial<Situation> = {}) {
  const situation: Situation = {
    target: { id: idOf(path), type },
    apiVersion: '2024-03-03',
    above: { group, ancestors: [] },
    stored: undefined,
    settings,
    now: new Date(1_800_000_000_000),
    freshId: '00000000-0000-4000-8000-000000000001',
    ...over,
  }
  const sent: Sent = { mode: 'replace', body }
  const drafted = draftWrite(situation, sent)
  if ('problems' in drafted) throw new Error(drafted.problems[0]?.message)
  const operationOf = (row: ResourceRow, done: boolean): OperationRow => ({
    id: 'o',
    key: row.key,
    subscription: 's',
    generation: row.generation,
    flavour: 'caps',
    verb: 'update',
    status: done ? 'Succeeded' : 'InProgress',
    error: undefined,
    output: undefined,
    principalId: 'p',
    correlationId: 'c',
    asked: undefined,
    startedMs: 0,
    endedMs: undefined,
  })
  const planned = planWrite(situation, drafted.write, { facts: {}, by, operationOf })
  if ('problems' in planned) throw new Error(planned.problems[0]?.message)
  return planned
}

describe('a planned write', () => {
  const path = '/SUBSCRIPTIONS/s/resourcegroups/MYRG/providers/microsoft.compute/Galleries/First'
  const create = () => plan(galleries, path, west)

  it('of a new resource: the words of its id as ARM writes them, its own name as it was sent', () => {
    const { row, change } = create()
    expect(row).toMatchObject({
      id: `${groupId}/providers/Microsoft.Compute/galleries/First`,
      key: path.toLowerCase(),
      parentKey: groupId.toLowerCase(),
      name: 'First',
      generation: 1,
      revision: 1,
    })
    expect(change.resource).toMatchObject({ is: 'insert' })
    expect(change.guards).toEqual([group.key])
    expect(change.takes).toEqual(['gallery-name|s|first'])
    expect(change.counts).toMatchObject([{ scope: 's|westeurope', name: 'Gallery', by: 1 }])
    const made = plan(resourceGroups, '/subscriptions/S/resourcegroups/New', west, {
      above: { group: undefined, ancestors: [] },
    })
    expect(made.row.id).toBe('/subscriptions/s/resourceGroups/New')
  })

  it('of the same again: nothing moves, no claim is taken twice, nothing is counted twice', () => {
    const stored = create().row
    const { row, change } = plan(galleries, path, west, { stored })
    expect(row).toEqual(stored)
    expect(change).toMatchObject({ takes: [], releases: [], counts: [], work: [] })
    expect(change.operation?.status).toBe('Succeeded')
  })

  it('of a change: revision and generation rise, birth and id stay', () => {
    const stored = create().row
    const { row } = plan(galleries, path.toLowerCase(), { ...west, tags: {} }, { stored })
    expect(row).toMatchObject({
      revision: 2,
      generation: 2,
      id: stored.id,
      createdMs: stored.createdMs,
    })
  })

  it('of the same onto a failed one: it is tried again under the same ETag', () => {
    const stored = { ...create().row, state: 'Failed' as const }
    const { row } = plan(galleries, path, west, { stored })
    expect(row).toMatchObject({ state: 'Succeeded', revision: 1, generation: 2 })
  })

  it('that asks for no work while some is unfinished keeps the state, and its receipt waits', () => {
    const stored = { ...create().row, state: 'Updating' as const }
    const { row, change } = plan(galleries, path, { ...west, tags: { a: 'b' } }, { stored })
    expect(row.state).toBe('Updating')
    expect(change.operation?.status).toBe('InProgress')
  })

  it('lays its status over what is stored instead of replacing it', () => {
    const stored = { ...create().row, status: { found: 'by work' } }
    const { change } = plan(galleries, path, { ...west, tags: {} }, { stored })
    expect(change.resource).toMatchObject({ is: 'update', statusPatch: {} })
  })
})

describe('counters', () => {
  const id = idOf(`${groupId}/providers/Microsoft.Compute/galleries/First`)
  const doc = (location: string) => ({ doc: { location, properties: {} } })
  const moves = (before: string | undefined, next: string | undefined) =>
    countsOf(
      galleries,
      id,
      before ? doc(before) : undefined,
      next ? doc(next).doc : undefined,
      settings,
    ).map(({ scope, by: step }) => [scope, step])

  it('R80 move with what is born, stays and goes, by region', () => {
    expect(moves(undefined, 'West Europe')).toEqual([['s|westeurope', 1]])
    expect(moves('West Europe', 'westeurope')).toEqual([])
    expect(moves('westeurope', undefined)).toEqual([['s|westeurope', -1]])
    expect(moves('westeurope', 'eastus').toSorted()).toEqual([
      ['s|eastus', 1],
      ['s|westeurope', -1],
    ])
  })
})
