import { type EventRow, eventIdOf, type NumberedEvent, resourceKeyOf } from '../domain/events.ts'
import { limits } from '../domain/limits.ts'
import { actionOn, parseResourceId, sameType } from '../domain/resource-id.ts'
import type { JsonObject, ResourceRow } from '../domain/rows.ts'
import type { Settings } from '../resources/declaration.ts'
import { endOfLifeMs } from '../resources/end-of-life.ts'
import { isLatestCandidate } from '../resources/image-version.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import type { WorkPorts } from './ports.ts'
import { endOfLifeLateMs, tellEndOfLife } from './tell.ts'

/** Whoever reads by cursor numbers what he finds waiting: this is for when nobody does. */
const everyMs = 2_000
/** A page looks at all regions of each definition that it tells of, so it is a long one. */
const numberRows = 500
const eventRows = 100

const definitionType = 'Microsoft.Compute/galleries/images'
const versionType = `${definitionType}/versions`

/**
 * Gives events their numbers once they are committed, so that no cursor skips one that commits late; then tells what they
 * lead to: that another version is latest in a region, and that an end of life has come. Each is told in the transaction
 * that remembers that it was, so once.
 */
export function followEvents({ store, settings }: WorkPorts): Work {
  async function follow({ state }: Running): Promise<Outcome> {
    if (state.isSeeded !== true) return await seed(state)
    const isBehind = await store.read.events.isBehind()
    const numbered = isBehind ? await store.write((rows) => rows.events.number(numberRows)) : 0
    const from = await store.read.eventWatch.derived()
    const page = await store.read.events.after(from, numberRows)
    if (page.length > 0) await derive(from, page)
    const ended = await endLives()
    const isMore = numbered === numberRows || page.length === numberRows || ended === eventRows
    return { is: 'wait', state, forMs: isMore ? 0 : everyMs }
  }

  /** What was there before an older release told of nothing: only what changes from now on is told. */
  async function seed(state: JsonObject): Promise<Outcome> {
    const after = typeof state.after === 'string' ? state.after : undefined
    const type = state.type === versionType ? versionType : definitionType
    const query = { type, scopes: 'all', after, rowsMax: eventRows } as const
    const page = await store.read.resources.list(query)
    const nowMs = await store.nowMs()
    const latest = new Map<string, ReadonlyMap<string, string>>()
    for (const { key } of type === definitionType ? page.rows : []) {
      const known = await store.read.eventWatch.latestOf(key)
      if (known.length === 0) latest.set(key, await latestIn(store.read, key, settings))
    }
    await store.write(async ({ eventWatch }) => {
      for (const row of page.rows) {
        const dueMs = dueOf(row)
        await eventWatch.setDue(row.key, dueMs !== undefined && dueMs > nowMs ? dueMs : undefined)
        for (const [region, version] of latest.get(row.key) ?? [])
          await eventWatch.setLatest(row.key, region, version)
      }
    })
    if (page.next !== undefined) return { is: 'wait', state: { type, after: page.next }, forMs: 0 }
    const isLast = type === versionType
    return { is: 'wait', state: isLast ? { isSeeded: true } : { type: versionType }, forMs: 0 }
  }

  /** What is read before the write may be old by then: what changed it has an event behind these. */
  async function derive(from: number, page: readonly NumberedEvent[]): Promise<void> {
    const about = page.filter(({ kind }) => kind !== 'latest')
    const keys = [...new Set(about.map(resourceKeyOf))].filter((key) =>
      /\/(images|applications)\//.test(key),
    )
    const definitions = new Set(keys.map((key) => key.replace(/\/versions\/[^/]+$/, '')))
    const dated = new Map<string, number | undefined>()
    const rows = await store.read.resources.getMany(keys)
    for (const key of keys) dated.set(key, dueOf(rows.find((row) => row.key === key)))
    const latest = new Map<string, ReadonlyMap<string, string>>()
    for (const key of definitions) {
      if (isDefinition(key)) latest.set(key, await latestIn(store.read, key, settings))
    }
    const nowMs = await store.nowMs()
    await store.write(async (rows) => {
      // Another one was here first: it told them.
      if ((await rows.eventWatch.lockDerived()) !== from) return
      for (const [key, dueMs] of dated) {
        const isToldYet = dueMs !== undefined && dueMs > nowMs - endOfLifeLateMs
        await rows.eventWatch.setDue(key, isToldYet ? dueMs : undefined)
      }
      for (const [key, regions] of latest) await tellLatest(rows, key, { regions, page, nowMs })
      await rows.eventWatch.moveDerived(page.at(-1)?.seq ?? from)
    })
  }

  async function endLives(): Promise<number> {
    const nowMs = await store.nowMs()
    const due = await store.read.eventWatch.due(nowMs, eventRows)
    for (const { resourceKey, dueMs } of due) {
      await store.write(async (rows) => {
        const row = await rows.resources.get(resourceKey)
        await rows.eventWatch.setDue(resourceKey, undefined)
        // It may have been moved, or be gone, since.
        if (row && dueOf(row) === dueMs) await tellEndOfLife(rows, row, dueMs)
      })
    }
    return due.length
  }

  return { kind: 'FollowEvents', isRecurring: true, steps: { follow } }
}

async function tellLatest(
  rows: Rows,
  key: string,
  now: {
    readonly regions: ReadonlyMap<string, string>
    readonly page: readonly NumberedEvent[]
    readonly nowMs: number
  },
): Promise<void> {
  const before = new Map(
    (await rows.eventWatch.latestOf(key)).map(({ region, version }) => [region, version]),
  )
  const definition = await rows.resources.get(key)
  for (const region of new Set([...before.keys(), ...now.regions.keys()])) {
    const [was, is] = [before.get(region), now.regions.get(region)]
    if (was === is) continue
    await rows.eventWatch.setLatest(key, region, is)
    // With the definition goes what is latest of it.
    if (!definition) continue
    const about = {
      region,
      version: is ?? null,
      before: was ?? null,
      at: now.page.at(-1)?.seq ?? 0,
    }
    await rows.events.add([latestEvent(definition, about, now.nowMs)])
  }
}

/** Requirements 25, 26, for every region in which a version is usable. */
async function latestIn(rows: Rows, definitionKey: string, settings: Settings) {
  const latest = new Map<string, string>()
  const regions = await rows.replicas.usableRegionsBelow(definitionKey)
  let after: string | undefined
  do {
    const query = { parentKey: definitionKey, type: versionType, descending: true, after } as const
    const page = await rows.resources.children({ ...query, rowsMax: limits.pageRows })
    const replicas = await rows.replicas.of(page.rows.map(({ key }) => key))
    for (const row of page.rows) {
      if (row.state === 'Deleting') continue
      for (const { versionKey, region, usable } of replicas) {
        const counts = versionKey === row.key && usable && !latest.has(region)
        if (counts && isLatestCandidate(row.doc, region, settings)) latest.set(region, row.name)
      }
    }
    after = latest.size >= regions.length ? undefined : page.next
  } while (after !== undefined)
  return latest
}

function dueOf(row: ResourceRow | undefined): number | undefined {
  return row && row.state !== 'Deleting' ? endOfLifeMs(row) : undefined
}

function isDefinition(key: string): boolean {
  return sameType(parseResourceId(key)?.type ?? '', definitionType)
}

function latestEvent(row: ResourceRow, about: JsonObject, atMs: number): EventRow {
  return {
    id: eventIdOf('derived', 'latest', row.key, row.createdMs, atMs, JSON.stringify(about)),
    atMs,
    subscription: row.subscription,
    kind: 'latest',
    resourceId: row.id,
    action: actionOn(row.type, 'write'),
    status: 'Succeeded',
    error: undefined,
    ...{ operationId: '', correlationId: '', principalId: '', name: '', tenantId: '' },
    about,
  }
}
