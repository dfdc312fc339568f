import { mustBeAllowed, narrowTo } from '../domain/access.ts'
import { readCursor, writeCursor } from '../domain/cursor.ts'
import { limits } from '../domain/limits.ts'
import { actionOn, type ResourceId } from '../domain/resource-id.ts'
import type { ResourceRow, RowStamp } from '../domain/rows.ts'
import type { ResourceType } from '../resources/declaration.ts'
import type { Page } from '../store/store.ts'
import { mustExist } from './front-door.ts'
import type { Asked, Providers } from './ports.ts'

/**
 * One page of a type below a scope (subscription, resource group or parent resource), of what the caller may see, as
 * stamps: most of the rows were read before.
 * `after` is the opaque cursor of the page before. Pages are full: what is not visible is not read.
 */
export async function listResources(
  providers: Providers,
  { caller }: Asked,
  type: ResourceType,
  scope: ResourceId,
  after: string | undefined,
): Promise<Page<RowStamp>> {
  const rows = providers.store.read
  const scopes = narrowTo(caller.visible(actionOn(type.type, 'read')), scope.key)
  // Who may see nothing here is not told either whether there is a here.
  if (scopes.length === 0) return { rows: [], next: undefined }
  await mustExist(providers, rows, scope)
  const page =
    scopes.length === 1 && scopes[0] === scope.key && type.parent !== undefined
      ? await rows.resources.childStamps({
          parentKey: scope.key,
          type: type.type,
          after: readCursor(after),
          rowsMax: limits.pageRows,
        })
      : await rows.resources.listStamps({
          type: type.type,
          scopes,
          after: readCursor(after),
          rowsMax: limits.pageRows,
        })
  return { rows: page.rows, next: page.next === undefined ? undefined : writeCursor(page.next) }
}

/** One page of the children of a resource that are deleted softly, for who may read them all. Throws ArmError. */
export async function listSoftDeleted(
  providers: Providers,
  { caller }: Asked,
  {
    definition,
    type,
    after,
  }: { readonly definition: ResourceId; readonly type: string; readonly after: string | undefined },
): Promise<Page<ResourceRow>> {
  mustBeAllowed(caller, actionOn(type, 'read'), definition.text)
  const rows = providers.store.read
  await mustExist(providers, rows, definition)
  const page = await rows.resources.deletedOf({
    parentKey: definition.key,
    type,
    after: readCursor(after),
    rowsMax: limits.pageRows,
  })
  return { rows: page.rows, next: page.next === undefined ? undefined : writeCursor(page.next) }
}
