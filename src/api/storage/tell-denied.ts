import type { IncomingMessage } from 'node:http'
import type { Denial, Refusals } from '../../access/denials.ts'
import type { Caller } from '../../domain/access.ts'
import { BlobError, isRefusal } from './blob-error.ts'

/** A refusal of somebody who is known, and who may not. */
export class BlobDenied extends BlobError {
  readonly by: Caller
  readonly action: string
  readonly scope: string

  constructor(message: string, wanted: Pick<BlobDenied, 'by' | 'action' | 'scope'>) {
    super('AuthorizationPermissionMismatch', message)
    this.by = wanted.by
    this.action = wanted.action
    this.scope = wanted.scope
  }
}

/** Tells for the audit that a request was refused, if it was. Nothing of its query: that is where signatures stand. */
export function tellDenied(
  { denied, addressOf }: Refusals,
  error: BlobError,
  { raw, incoming, requestId }: Arrived,
): void {
  if (!isRefusal(error)) return
  const { pathname } = new URL(raw.url)
  const wanted: Pick<Denial, 'principalId' | 'name' | 'action' | 'scope'> =
    error instanceof BlobDenied
      ? { ...error.by, action: error.action, scope: error.scope }
      : { principalId: '', name: '', action: `Blob ${raw.method}`, scope: pathname }
  const address = incoming && addressOf(incoming)
  denied({ ...wanted, code: error.code, correlationId: requestId, address })
}

type Arrived = {
  readonly raw: Request
  readonly incoming: IncomingMessage | undefined
  readonly requestId: string
}
