import { type Caller, narrowTo } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { actionOn, isWithin, type ResourceId, sameType } from '../domain/resource-id.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { ResourceType } from '../resources/declaration.ts'
import type { Page, Rows } from '../store/store.ts'
import { type ResourceFilter, readResourceFilter } from './resource-filter.ts'

type Everything = {
  readonly types: readonly ResourceType[]
  readonly caller: Caller
  readonly scope: ResourceId
  readonly filter: string | undefined
  readonly after: string | undefined
  readonly rowsMax: number
}

type Walk = Omit<Everything, 'filter'> & {
  readonly matches: ResourceFilter['matches']
  readonly scopeKey: string
  readonly cursor: Cursor | undefined
}

/**
 * One page of all resources of these types below a scope that the filter takes. It looks at a bounded number of rows, so it
 * may hold few or none while there are more. The cursor tells where to go on. Throws InvalidParameter.
 */
export async function listEverything(rows: Rows, asked: Everything): Promise<Page<ResourceRow>> {
  const { type: wanted, group, tag, matches } = readResourceFilter(asked.filter)
  const cursor = asked.after === undefined ? undefined : readCursor(asked.after)
  const { scope } = asked
  const scopeKey =
    group === undefined
      ? scope.key
      : `/subscriptions/${scope.subscription}/resourcegroups/${group}`.toLowerCase()
  if (!isWithin(scopeKey, scope.key)) return { rows: [], next: undefined }
  const types = asked.types.filter(({ type }) => wanted === undefined || sameType(type, wanted))
  const walk = { ...asked, types, matches, scopeKey, cursor }
  return tag ? walkTag(rows, walk, tag) : walkTypes(rows, walk)
}

/** Type after type, each in the order of its keys. */
async function walkTypes(rows: Rows, walk: Walk): Promise<Page<ResourceRow>> {
  const { types, caller, cursor, matches, scopeKey, rowsMax } = walk
  const first = cursor ? types.findIndex(({ type }) => type === cursor.place) : 0
  const found: ResourceRow[] = []
  let left = limits.filteredRowsMax
  for (const [index, { type }] of types.entries()) {
    if (index < first) continue
    const scopes = narrowTo(caller.visible(actionOn(type, 'read')), scopeKey)
    let after = type === cursor?.place ? cursor.after : undefined
    do {
      const page = await rows.resources.list({ type, scopes, after, rowsMax: limits.pageRows })
      for (const row of page.rows) {
        after = row.key
        left -= 1
        if (matches(row)) found.push(row)
        if (found.length < rowsMax && left > 0) continue
        const isLast = row === page.rows.at(-1) && page.next === undefined
        const next = isLast ? types[index + 1]?.type : type
        return {
          rows: found,
          next: next && writeCursor({ place: next, after: isLast ? undefined : after }),
        }
      }
      after = page.next
    } while (after !== undefined)
  }
  return { rows: found, next: undefined }
}

/** What has a tag, wherever it is. */
async function walkTag(
  rows: Rows,
  { types, caller, scope, scopeKey, cursor, matches, rowsMax }: Walk,
  { name, value }: NonNullable<ResourceFilter['tag']>,
): Promise<Page<ResourceRow>> {
  const found: ResourceRow[] = []
  const isSeen = ({ key, id, type }: ResourceRow) =>
    isWithin(key, scopeKey) &&
    types.some((known) => known.type === type) &&
    caller.may(actionOn(type, 'read'), id)
  let after = cursor?.after
  for (let left = limits.filteredRowsMax; left > 0; left -= limits.pageRows) {
    const query = { subscription: scope.subscription, name, value, after, rowsMax: limits.pageRows }
    const keys = await rows.tags.keysWith(query)
    const byKey = new Map(
      (await rows.resources.getMany(keys.map(({ key }) => key))).map((row) => [row.key, row]),
    )
    for (const { key, cursor: at } of keys) {
      const row = byKey.get(key)
      after = at
      if (row && isSeen(row) && matches(row)) found.push(row)
      if (found.length === rowsMax) return { rows: found, next: writeCursor({ place: '', after }) }
    }
    if (keys.length < limits.pageRows) return { rows: found, next: undefined }
  }
  return { rows: found, next: writeCursor({ place: '', after }) }
}

/** The type to go on with ('' among those of a tag), and what to go on after: undefined when it has not begun. */
type Cursor = { readonly place: string; readonly after: string | undefined }

function writeCursor({ place, after }: Cursor): string {
  return Buffer.from(JSON.stringify([place, after ?? null])).toString('base64url')
}

function readCursor(cursor: string): Cursor {
  try {
    const [place, after]: unknown[] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (typeof place === 'string') {
      return { place, after: typeof after === 'string' ? after : undefined }
    }
  } catch {
    // Falls through to the refusal: whatever it was, it is not ours.
  }
  throw new ArmError(
    'InvalidParameter',
    'The $skiptoken is not one that this list gave.',
    '$skiptoken',
  )
}
