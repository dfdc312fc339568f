import type { OperationRow, ReplicaRow, ResourceRow, WorkRequest } from '../../src/domain/rows.ts'
import type { Change } from '../../src/store/change.ts'

const someone = { name: 'someone', kind: 'User' } as const

export const subscriptionKey = '/subscriptions/s1'

/** A row of `key` below `parentKey`; what a test does not look at is filled in. */
export function resourceRow(
  row: Pick<ResourceRow, 'key' | 'parentKey'> & Partial<ResourceRow>,
): ResourceRow {
  const name = row.key.split('/').at(-1) ?? ''
  return {
    id: row.key,
    type: 'Test/things',
    subscription: 's1',
    region: 'westeurope',
    name,
    nameSort: name,
    state: 'Succeeded',
    generation: 1,
    revision: 1,
    doc: { location: 'westeurope', properties: {} },
    status: {},
    createdMs: 1,
    createdBy: someone,
    updatedMs: 1,
    updatedBy: someone,
    ...row,
  }
}

export function topRow(name: string, row: Partial<ResourceRow> = {}): ResourceRow {
  return resourceRow({ key: `${subscriptionKey}/${name}`, parentKey: subscriptionKey, ...row })
}

export function replicaRow(versionKey: string, region: string, row: Partial<ReplicaRow> = {}) {
  return {
    versionKey,
    region,
    generation: 1,
    state: 'Replicating',
    usable: false,
    bytesDone: 0,
    bytesTotal: 0,
    phase: 'copy',
    bytesPerSecond: 0,
    reason: undefined,
    updatedMs: 1,
    ...row,
  } satisfies ReplicaRow
}

export function operationRow(
  row: Pick<OperationRow, 'id' | 'key'> & Partial<OperationRow>,
): OperationRow {
  return {
    subscription: 's1',
    generation: 1,
    flavour: 'caps',
    verb: 'create',
    status: 'InProgress',
    error: undefined,
    output: undefined,
    principalId: 'p1',
    correlationId: 'c1',
    asked: undefined,
    startedMs: 1,
    endedMs: undefined,
    ...row,
  }
}

export function workRequest(
  row: Pick<WorkRequest, 'kind' | 'subject'> & Partial<WorkRequest>,
): WorkRequest {
  return { queue: 'control', generation: 1, key: row.subject, ...row }
}

/** A change that does nothing but what is given. */
export function changeOf(change: Pick<Change, 'resource'> & Partial<Change>): Change {
  return {
    guards: [],
    takes: [],
    releases: [],
    keeps: [],
    operation: undefined,
    preempts: false,
    work: [],
    grant: undefined,
    revokesGrants: false,
    counts: [],
    nowMs: 1_000,
    ...change,
  }
}

export function inserting(row: ResourceRow, change: Partial<Change> = {}): Change {
  return changeOf({ ...change, resource: { is: 'insert', row } })
}

/** A change of the row that is stored at revision and generation 1. */
export function updating(row: ResourceRow, change: Partial<Change> = {}): Change {
  const expected = { expectRevision: 1, expectGeneration: 1, statusPatch: {} }
  return changeOf({ ...change, resource: { is: 'update', row, ...expected } })
}
