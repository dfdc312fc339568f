import type { Written } from '../domain/directory.ts'
import type { Db } from './schema.ts'

const scope = 'directory'
const name = 'changes'

/** A number that every change of roles and assignments raises. */
export async function directoryStamp(db: Db): Promise<number> {
  const row = await db
    .selectFrom('counters')
    .select('value')
    .where('scope', '=', scope)
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.value ?? 0
}

/** Raises it, inside a transaction; until its end nobody else changes roles. */
export async function directoryChanged(db: Db): Promise<void> {
  await db
    .insertInto('counters')
    .values({ scope, name, value: 1 })
    .onConflict((conflict) =>
      conflict
        .columns(['scope', 'name'])
        .doUpdateSet((counter) => ({ value: counter('counters.value', '+', 1) })),
    )
    .execute()
}

export function writtenColumns({ createdMs, createdBy, updatedMs, updatedBy }: Written) {
  return {
    created_ms: createdMs,
    created_by: createdBy,
    updated_ms: updatedMs,
    updated_by: updatedBy,
  }
}

export function writtenFrom(row: ReturnType<typeof writtenColumns>): Written {
  return {
    createdMs: row.created_ms,
    createdBy: row.created_by,
    updatedMs: row.updated_ms,
    updatedBy: row.updated_by,
  }
}
