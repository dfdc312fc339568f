/** Where the next page of a list begins, as clients are given it: they only hand it back. */
export function writeCursor(position: string): string {
  return Buffer.from(position, 'utf8').toString('base64url')
}

export function readCursor(cursor: string | undefined): string | undefined {
  return cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString('utf8')
}
