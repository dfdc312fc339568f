import { ArmError } from '../domain/errors.ts'
import type { ResourceRow } from '../domain/rows.ts'

/** The request's If-Match and If-None-Match, as sent. */
export type Preconditions = {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
}

type Dated = Pick<ResourceRow, 'revision' | 'createdMs'>

/** The ETag of a row: it changes with the client's document, never with progress, and dies with the resource. */
export function etagOf({ revision, createdMs }: Dated): string {
  return `"${createdMs.toString(36)}-${revision}"`
}

/** Throws PreconditionFailed when what is stored (undefined: nothing) is not what the client expects. */
export function expectMatch({ ifMatch, ifNoneMatch }: Preconditions, row: Dated | undefined): void {
  const etag = row && etagOf(row)
  if (ifMatch !== undefined && !names(ifMatch, etag)) {
    throw new ArmError(
      'PreconditionFailed',
      `The resource is not the one that If-Match ${ifMatch} names; it is now ${etag ?? 'absent'}. Read it again and retry.`,
    )
  }
  if (ifNoneMatch !== undefined && names(ifNoneMatch, etag)) {
    throw new ArmError(
      'PreconditionFailed',
      `If-None-Match ${ifNoneMatch} does not hold: the resource exists already.`,
    )
  }
}

/** True when the client of a read holds what is stored already. */
export function isHeld({ ifNoneMatch }: Preconditions, etag: string): boolean {
  return ifNoneMatch !== undefined && names(ifNoneMatch, etag)
}

function names(header: string, etag: string | undefined): boolean {
  if (etag === undefined) return false
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return header.trim() === '*' || tags.includes(etag)
}
