import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Refusals } from '../../access/denials.ts'
import type { Sas } from '../../access/sas.ts'
import type { ByteBudget } from '../../base/byte-budget.ts'
import type { World } from '../../base/world.ts'
import type { ResourceRow, SasRow } from '../../domain/rows.ts'
import type { Plane } from '../../regions/plane.ts'
import type { Store } from '../../store/store.ts'
import type { openOutputs } from './outputs.ts'

export type StoragePorts = {
  readonly store: Store
  readonly plane: Plane
  readonly sas: Sas
  readonly refusals: Refusals
  readonly world: World
}

/** One request on the blob behind a grant, its row read at this very request. */
export type BlobRequest = StoragePorts & {
  readonly raw: Request
  /** Node's own message behind it, when it came over a socket. */
  readonly incoming: IncomingMessage | undefined
  readonly outgoing: ServerResponse | undefined
  /** Headers of every answer. */
  readonly told: Readonly<Record<string, string>>
  /** Bounds what all requests together hold of bodies. */
  readonly budget: ByteBudget
  /** Disks as files of a format, by what they are made of. */
  readonly outputs: ReturnType<typeof openOutputs>
  readonly url: URL
  readonly grant: SasRow
  readonly disk: ResourceRow
}
