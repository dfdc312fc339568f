import { ArmError } from '../domain/errors.ts'
import type { ResourceRow } from '../domain/rows.ts'

/** The request's If-Match and If-None-Match, as sent. */
export type Preconditions = {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
}

/** The ETag of a row: it changes with the client's document, never with progress. */
export function etagOf(row: Pick<ResourceRow, 'revision'>): string {
  return `"${row.revision}"`
}

/** Throws PreconditionFailed when what is stored (undefined: nothing) is not what the client expects. */
export function expectMatch(
  { ifMatch, ifNoneMatch }: Preconditions,
  row: Pick<ResourceRow, 'revision'> | undefined,
): void {
  const matches = (header: string) =>
    row !== undefined && (header.trim() === '*' || tagsOf(header).includes(etagOf(row)))
  if (ifMatch !== undefined && !matches(ifMatch)) {
    throw new ArmError(
      'PreconditionFailed',
      `The resource is not the one that If-Match ${ifMatch} names; it is now ${row ? etagOf(row) : 'absent'}. Read it again and retry.`,
    )
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch)) {
    throw new ArmError(
      'PreconditionFailed',
      `If-None-Match ${ifNoneMatch} does not hold: the resource exists already.`,
    )
  }
}

function tagsOf(header: string): string[] {
  return header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
}
