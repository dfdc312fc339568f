import type { RegionName } from './regions.ts'

export type Role = 'api' | 'worker'

/** A process of the installation, as it told of itself. */
export type ProcessRow = {
  /** Fresh at every start. */
  readonly id: string
  /** The release it runs. */
  readonly release: string
  readonly roles: readonly Role[]
  /** Whose spaces it reaches. */
  readonly regions: readonly RegionName[]
  /** How clients reach the API, when it answers them. */
  readonly publicUrl: string | undefined
  /** Where other processes get bytes of its regions; undefined when it lets nobody. */
  readonly peerUrl: string | undefined
  readonly startedMs: number
  /** When it was last heard, by the database's clock. */
  readonly seenMs: number
}

export type ProcessRows = {
  put(row: ProcessRow): Promise<void>
  remove(id: string): Promise<void>
  /** Every process that has not said goodbye, those heard last first. */
  all(rowsMax: number): Promise<readonly ProcessRow[]>
  /** Forgets those that were not heard since. */
  prune(seenBeforeMs: number): Promise<void>
}

/** The name in the certificate of a process that serves a region's bytes. It is never looked up. */
export function peerName(region: RegionName): string {
  return `${region}.region.vitrine.internal`
}
