import { type Caller, narrowTo } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { actionOn, type ResourceId, sameType } from '../domain/resource-id.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { ResourceType } from '../resources/declaration.ts'
import type { Page, Rows } from '../store/store.ts'

type Everything = {
  readonly types: readonly ResourceType[]
  readonly caller: Caller
  readonly scope: ResourceId
  /** `resourceType eq '…'` or `resourceGroup eq '…'`, joined by `and`; nothing else. */
  readonly filter: string | undefined
  readonly after: string | undefined
}

/**
 * One page of everything tracked below a scope, type after type. The cursor is the type and the key to go on after.
 * Throws InvalidParameter for a filter it does not know.
 */
export async function listEverything(rows: Rows, asked: Everything): Promise<Page<ResourceRow>> {
  const wanted = readFilter(asked.filter)
  const types = asked.types.filter(
    (type) =>
      type.tracked &&
      type.parent !== 'Microsoft.Resources/subscriptions' &&
      !sameType(type.type, 'Microsoft.Resources/resourceGroups') &&
      (wanted.type === undefined || sameType(type.type, wanted.type)),
  )
  const scopeKey =
    wanted.group === undefined
      ? asked.scope.key
      : `/subscriptions/${asked.scope.subscription}/resourcegroups/${wanted.group}`.toLowerCase()
  const start = asked.after === undefined ? undefined : readCursor(asked.after)
  const first = start ? types.findIndex((type) => type.type === start.type) : 0
  const found: ResourceRow[] = []
  for (const [index, type] of types.entries()) {
    if (index < first) continue
    const scopes = narrowTo(asked.caller.visible(actionOn(type.type, 'read')), scopeKey)
    const after = type.type === start?.type ? start.key : undefined
    const rowsMax = limits.pageRows - found.length
    const page = await rows.resources.list({ type: type.type, scopes, after, rowsMax })
    found.push(...page.rows)
    if (found.length < limits.pageRows) continue
    const next = page.next === undefined ? types[index + 1] : type
    return { rows: found, next: next && writeCursor({ type: next.type, key: page.next }) }
  }
  return { rows: found, next: undefined }
}

/** The type to go on with, and the key to go on after: undefined when it has not begun. */
type Cursor = { readonly type: string; readonly key: string | undefined }

function writeCursor({ type, key }: Cursor): string {
  return Buffer.from(JSON.stringify([type, key ?? null])).toString('base64url')
}

function readCursor(cursor: string): Cursor {
  try {
    const [type, key]: unknown[] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (typeof type === 'string') return { type, key: typeof key === 'string' ? key : undefined }
  } catch {
    // Falls through to the refusal: whatever it was, it is not ours.
  }
  throw new ArmError(
    'InvalidParameter',
    'The $skiptoken is not one that this list gave.',
    '$skiptoken',
  )
}

function readFilter(filter: string | undefined): { type?: string; group?: string } {
  const wanted: { type?: string; group?: string } = {}
  for (const term of (filter ?? '').split(/\s+and\s+/i).filter((part) => part.trim() !== '')) {
    const found = /^\(?\s*(resourceType|resourceGroup)\s+eq\s+'([^']*)'\s*\)?$/i.exec(term.trim())
    if (!found) {
      const message = `The $filter '${filter}' is not understood. Use resourceType eq '…' and resourceGroup eq '…'.`
      throw new ArmError('InvalidParameter', message, '$filter')
    }
    if (found[1]?.toLowerCase() === 'resourcetype') wanted.type = found[2] ?? ''
    else wanted.group = found[2] ?? ''
  }
  return wanted
}
