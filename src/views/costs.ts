import { setImmediate as nextTurn } from 'node:timers/promises'
import { ArmError } from '../domain/errors.ts'
import type { LedgerQuery } from '../domain/ledger.ts'
import { limits } from '../domain/limits.ts'
import { type ResourceId, resourceGroupType, subscriptionType } from '../domain/resource-id.ts'
import type { Rows } from '../store/store.ts'
import { type Bill, type BilledBy, type Month, openBill } from './bill.ts'
import type { Prices } from './prices.ts'

export type CostsQuery = {
  readonly scopeKey: string
  readonly month: Month
  readonly nowMs: number
  readonly by: BilledBy | undefined
}

/** What of the bill is really there. */
export type Costs = Bill & {
  /** Bytes of packs in each region in which what is billed lies now, each once in a space. */
  readonly stored: readonly { readonly region: string; readonly bytes: number }[]
}

/** What the versions at or below a scope cost in a month, out of the ledger. Throws InvalidParameter when that is too much to add up. */
export async function costsOf(rows: Rows, prices: Prices, query: CostsQuery): Promise<Costs> {
  const { scopeKey, month, nowMs, by } = query
  const bill = openBill({ month, nowMs, prices, by })
  const { ledger } = rows
  await eachRow(query, ledger.intervals, bill.addInterval)
  await eachRow(query, ledger.moves, bill.addMove)
  return { ...bill.end(), stored: await rows.placements.storedBelow(scopeKey, rowsMax) }
}

const scopeTypes = new RegExp(
  `^(${subscriptionType}|${resourceGroupType}|Microsoft\\.Compute/galleries(/(images|applications)(/versions)?)?)$`,
  'i',
)

/** True when the scope is of a type that versions lie in, and is there or had some once. A subscription is there. */
export async function hasCosts(rows: Rows, { type, key }: ResourceId): Promise<boolean> {
  if (!scopeTypes.test(type)) return false
  if (type === subscriptionType || (await rows.resources.getAny(key))) return true
  const ever = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, after: undefined, rowsMax: 1 }
  const query = { scopeKey: key, ...ever }
  const { ledger } = rows
  return (await ledger.intervals(query)).length > 0 || (await ledger.moves(query)).length > 0
}

const rowsMax = 1_000

async function eachRow<Row>(
  { scopeKey, month: { fromMs, untilMs } }: CostsQuery,
  list: (query: LedgerQuery<Row>) => Promise<readonly Row[]>,
  use: (row: Row) => void,
): Promise<void> {
  let after: Row | undefined
  for (let count = 0; count < limits.ledgerRowsMax; count += rowsMax) {
    const page = await list({ scopeKey, fromMs, untilMs, after, rowsMax })
    for (const row of page) use(row)
    after = page.at(-1)
    if (page.length < rowsMax) return
    await nextTurn()
  }
  const message = `More than ${limits.ledgerRowsMax} facts of this month lie below '${scopeKey}'. Ask for the costs of a gallery or of a resource group.`
  throw new ArmError('InvalidParameter', message, 'scope')
}
