import { ArmError } from './errors.ts'

/** Where the next page of a list begins, as clients are given it: they only hand it back, but can read it. */
export function writeCursor(position: string): string {
  return Buffer.from(position, 'utf8').toString('base64url')
}

/** Throws BadRequest for one that was not handed out here: not every database takes every text. */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const position = Buffer.from(cursor, 'base64url').toString('utf8')
  if (!position.includes('\0')) return position
  throw new ArmError('BadRequest', 'The $skiptoken is none of ours: follow nextLink as it is.')
}
