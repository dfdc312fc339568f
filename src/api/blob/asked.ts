import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AccountKeys } from '../../access/account-keys.ts'
import type { Refusals } from '../../access/denials.ts'
import type { Sas } from '../../access/sas.ts'
import type { ByteBudget } from '../../base/byte-budget.ts'
import type { World } from '../../base/world.ts'
import type { Caller } from '../../domain/access.ts'
import type { ResourceRow } from '../../domain/rows.ts'
import type { Plane } from '../../regions/plane.ts'
import type { Store } from '../../store/store.ts'
import { BlobError } from '../storage/blob-error.ts'
import type { BlobRequest } from '../storage/blob-request.ts'
import type { Place } from './place.ts'

export type BlobPorts = {
  readonly store: Store
  readonly plane: Plane
  readonly world: World
  readonly accountKey: AccountKeys
  /** Of disks: their bytes are copied into blobs. */
  readonly sas: Sas
  readonly refusals: Refusals
  /** A token made for blobs; `isFor` judges its audience. Throws AuthenticationFailed. */
  authenticate(
    authorization: string | undefined,
    isFor: (audience: string) => boolean,
  ): Promise<Caller>
  /** Every address of this installation. */
  readonly urls: readonly string[]
  /** The `WWW-Authenticate` header of a refusal: where people of the tenant of a subscription sign in, else of the home tenant. */
  challengeIn(subscription: string): string
  /** How long what is dropped stays readable. */
  readonly holdMs: number
}

/** One request on an account's blobs. */
export type Asked = BlobPorts & {
  readonly raw: Request
  readonly url: URL
  readonly incoming: IncomingMessage | undefined
  readonly outgoing: ServerResponse | undefined
  /** Headers of every answer. */
  readonly told: Readonly<Record<string, string>>
  /** Bounds what all requests together hold of bodies. */
  readonly budget: ByteBudget
  /** Disks as files of a format, by what they are made of. */
  readonly outputs: BlobRequest['outputs']
  readonly place: Place
  readonly account: ResourceRow
  /** A SAS that may make blobs, and not write over them. */
  readonly createsOnly: boolean
}

/** The same on a blob. */
export type AskedBlob = Asked & {
  readonly place: Place & { readonly container: string; readonly blob: string }
}

/** Without quotes; another one at each call. */
export function freshEtag({ world }: Pick<Asked, 'world'>): string {
  return `0x${world.id().replaceAll('-', '').slice(0, 16).toUpperCase()}`
}

export function numberHeader({ raw }: Pick<Asked, 'raw'>, name: string): number | undefined {
  const text = raw.headers.get(name)
  if (text === null) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new BlobError('InvalidHeaderValue', `${name} must be a whole number.`)
}
