import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { isWithin, type ResourceId, sameType } from '../domain/resource-id.ts'
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
  const start = readCursor(asked.after)
  const found: ResourceRow[] = []
  for (const [index, type] of types.entries()) {
    if (index < start.type) continue
    const after = index === start.type ? start.key : undefined
    const visible = asked.caller.visible(`${type.type}/read`)
    const scopes = visible === 'all' ? [scopeKey] : insideOf(visible, scopeKey)
    if (scopes.length === 0) continue
    const rowsMax = limits.pageRows - found.length
    const page = await rows.resources.list({ type: type.type, scopes, after, rowsMax })
    found.push(...page.rows)
    const next = nextCursor(index, page.next, types.length)
    if (found.length === limits.pageRows) return { rows: found, next }
  }
  return { rows: found, next: undefined }
}

function insideOf(visible: readonly string[], scopeKey: string): string[] {
  if (visible.some((key) => isWithin(scopeKey, key))) return [scopeKey]
  return visible.filter((key) => isWithin(key, scopeKey))
}

function nextCursor(type: number, key: string | undefined, types: number): string | undefined {
  if (key === undefined && type + 1 >= types) return undefined
  const at = key === undefined ? { type: type + 1 } : { type, key }
  return Buffer.from(JSON.stringify(at)).toString('base64url')
}

function readCursor(cursor: string | undefined): { type: number; key: string | undefined } {
  if (cursor === undefined) return { type: 0, key: undefined }
  try {
    const at: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (typeof at === 'object' && at !== null && 'type' in at && typeof at.type === 'number') {
      const key = 'key' in at && typeof at.key === 'string' ? at.key : undefined
      return { type: at.type, key }
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
