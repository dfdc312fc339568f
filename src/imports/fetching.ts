import type { Plane, Progress } from '../regions/plane.ts'
import type { Staging } from '../regions/staging.ts'
import type { ForeignHost } from './foreign-host.ts'
import type { ImportPolicy } from './import-policy.ts'
import { finalFault } from './source-faults.ts'

export type FetchOrder = Staging & {
  /** With its signature; it is told to nobody but its host. */
  readonly url: string
  readonly policy: ImportPolicy
  /** When the import was asked for, epoch milliseconds: the first of several runs counts. */
  readonly startedMs: number
  readonly signal: AbortSignal
  /** Bytes of the file that are behind us, of all. */
  report?(progress: Progress): void
}

/** What the parts of a fetch share. */
export type Fetching = FetchOrder & { readonly plane: Plane; readonly host: ForeignHost }

/** Throws when the file has more bytes than the policy allows. */
export function refuseSize({ host, policy }: Fetching, sizeBytes: number): void {
  if (sizeBytes <= policy.bytesMax) return
  throw finalFault(
    `${host.place} has more than the ${policy.bytesMax} bytes that the setting imports.bytesMax allows.`,
  )
}
