/** Who may what on blobs and containers with a token, by the action of `api/blob/operations.ts`. */
export const blobHolders: Readonly<Record<string, string>> = {
  read: 'OCRU',
  'containers/read': 'OCRUBbr',
  'containers/write': 'OCBb',
  'containers/delete': 'OCBb',
  'containers/blobs/read': 'Bbr',
  'containers/blobs/write': 'Bb',
  'containers/blobs/delete': 'Bb',
}

/** What everybody of the directory may ask of Graph; all else takes a role at the root: these letters. */
export const graphReads: ReadonlySet<string> = new Set([
  'POST directoryObjects/getByIds',
  ...['users', 'groups', 'servicePrincipals', 'directoryObjects'].flatMap((kind) => [
    `POST ${kind}/*/getMemberGroups`,
    `POST ${kind}/*/checkMemberGroups`,
  ]),
])
export const graphWriters = 'OC'
