import type { ResourceRow } from './rows.ts'

/** Top-level resources of one group, by their keys, that another group of the same subscription takes with all below. */
export type ResourceMove = {
  readonly from: Pick<ResourceRow, 'key'>
  readonly to: Pick<ResourceRow, 'key' | 'id'>
  readonly keys: readonly string[]
}

/** Inside a `write`, in this order: groups held, trees locked, then carried. */
export type ResourceMoveRows = {
  /** The group, which until the end of the transaction nobody deletes or changes. */
  holdGroup(key: string): Promise<ResourceRow | undefined>
  /** The resource and all below it, by key, each under a row lock; at most `rowsMax`. Nobody adds anything below it meanwhile. */
  lockTree(key: string, rowsMax: number): Promise<readonly ResourceRow[]>
  /** Whether work or an operation at the key or below it is unfinished. */
  isBusy(key: string): Promise<boolean>
  /**
   * Every row that is, or points at, something at the keys or below is of the other group from now on; webhooks are not
   * carried. False, and the transaction is to be given up: somebody made one of that name there at the same time.
   */
  carry(move: ResourceMove): Promise<boolean>
}
