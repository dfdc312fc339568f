import type { Caller } from '../domain/access.ts'
import { cloudEventOf, seenBy } from '../domain/cloud-events.ts'
import type { Store } from '../store/store.ts'

/** Events that one page looks at, whoever may see them. */
const scannedRows = 500
const numberRows = 500
/** Pages of events without a number that one reader numbers. */
const numberPagesMax = 20

/**
 * Events numbered above `after` that the caller may read at the scope and below it, in their order, as CloudEvents;
 * `next` is the number to go on after, past those that are not his. Whatever waits for its number gets it first.
 */
export async function listCloudEvents(
  store: Pick<Store, 'read' | 'write'>,
  { caller, scopeKey, after, source }: CloudEventQuery,
) {
  await numberWaiting(store)
  const found = await store.read.events.after(after, scannedRows)
  const seen = seenBy(found, caller, scopeKey)
  return {
    events: seen.map((event) => cloudEventOf(event, source)),
    next: found.at(-1)?.seq ?? after,
    isMore: found.length === scannedRows,
  }
}

/** The number behind which lies what happens from now on. */
export async function lastEvent(store: Pick<Store, 'read' | 'write'>): Promise<number> {
  await numberWaiting(store)
  return await store.read.events.last()
}

async function numberWaiting(store: Pick<Store, 'read' | 'write'>): Promise<void> {
  for (let page = 0; page < numberPagesMax && (await store.read.events.isBehind()); page++) {
    await store.write((rows) => rows.events.number(numberRows))
  }
}

type CloudEventQuery = {
  readonly caller: Caller
  /** '' for all. */
  readonly scopeKey: string
  readonly after: number
  /** The address of the installation. */
  readonly source: string
}
