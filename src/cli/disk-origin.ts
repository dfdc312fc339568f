import type { JsonObject } from '../domain/rows.ts'
import type { Context } from './command.ts'
import { may } from './flag.ts'
import { defined, diskOrSnapshotId, idOf } from './resources.ts'

/** What a disk, snapshot or image is made of, besides its `--source`. */
export const sourceAccount = may(
  '--source-storage-account-id <account>',
  'The storage account here that has the blob of --source, by name or id. Left out, a URL is fetched from its host.',
)

type Origin = {
  readonly group: string
  /** A disk or snapshot by name or id, or the URL of a disk file. */
  readonly source: string
  readonly account: string | undefined
  /** The bytes are copied to another region. */
  readonly far?: boolean
}

/** How ARM says what a disk or snapshot is made of. */
export async function creationDataOf(context: Context, origin: Origin): Promise<JsonObject> {
  const { group, source, account, far = false } = origin
  const session = await context.connect()
  if (isUrl(source)) {
    const accountPath = (name: string) => session.paths.storageAccount(group, name)
    const storageAccountId = account === undefined ? undefined : idOf(account, accountPath)
    return defined({ createOption: 'Import', sourceUri: source, storageAccountId })
  }
  const sourceResourceId = await diskOrSnapshotId(context, session, { group, source })
  return { createOption: far ? 'CopyStart' : 'Copy', sourceResourceId }
}

export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source)
}
