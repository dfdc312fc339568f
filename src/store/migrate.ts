import { type QueryExecutorProvider, sql } from 'kysely'
import { Unavailable } from '../domain/errors.ts'
import { first } from './migrations/0001-first.ts'
import { processes } from './migrations/0002-processes.ts'
import { workTraces } from './migrations/0003-work-traces.ts'
import { stamps } from './migrations/0004-stamps.ts'
import { health } from './migrations/0005-health.ts'
import { blobs } from './migrations/0006-blobs.ts'
import { uploadRuns } from './migrations/0007-upload-runs.ts'
import { signedUrls } from './migrations/0008-signed-urls.ts'
import { roles } from './migrations/0009-roles.ts'
import { thinned } from './migrations/0010-thinned.ts'
import { directory } from './migrations/0011-directory.ts'
import { audit } from './migrations/0012-audit.ts'
import { shares } from './migrations/0013-shares.ts'
import { tenants } from './migrations/0014-tenants.ts'
import { signin } from './migrations/0015-signin.ts'
import { grants } from './migrations/0016-grants.ts'
import { ledger } from './migrations/0017-ledger.ts'
import { softDelete } from './migrations/0018-soft-delete.ts'
import { deployments } from './migrations/0019-deployments.ts'
import { locksAndTags } from './migrations/0020-locks-and-tags.ts'
import { events } from './migrations/0021-events.ts'

/** In order, forward only. One that was released never changes: the next one follows it. */
export const migrations: readonly ((db: QueryExecutorProvider) => Promise<void>)[] = [
  first,
  processes,
  workTraces,
  stamps,
  health,
  blobs,
  uploadRuns,
  signedUrls,
  roles,
  thinned,
  directory,
  audit,
  shares,
  tenants,
  signin,
  grants,
  ledger,
  softDelete,
  deployments,
  locksAndTags,
  events,
]

/** Only another release can use the database. No waiting mends it. */
export class SchemaNewer extends Unavailable {
  override readonly name = 'SchemaNewer'
}

/**
 * Brings the tables of `db` (inside a transaction) to this release. Throws SchemaNewer when a newer release was here:
 * its rows may mean what this one does not know.
 */
export async function migrate(db: QueryExecutorProvider): Promise<void> {
  await sql`create table if not exists migrations (number bigint not null primary key)`.execute(db)
  const done = await sql<{ number: number | null }>`
    select max(number) as number from migrations`.execute(db)
  const from = Number(done.rows[0]?.number ?? 0)
  if (from > migrations.length) {
    throw new SchemaNewer(
      `The database was written by a newer release (schema ${from}, this one knows ${migrations.length}). Start that release${await releaseOf(db)} or one after it, or restore a backup made before it.`,
    )
  }
  for (const [index, apply] of migrations.entries()) {
    if (index < from) continue
    await apply(db)
    await sql`insert into migrations (number) values (${index + 1})`.execute(db)
  }
}

/** The release that a process told last, where that release still tells it here and any did. */
async function releaseOf(db: QueryExecutorProvider): Promise<string> {
  const last = sql<{ release: string }>`
    select release from processes order by seen_ms desc, started_ms desc limit 1`
  const { rows } = await last.execute(db).catch(() => ({ rows: [] }))
  return rows[0] ? ` (${rows[0].release} ran last)` : ''
}
