import { type Selectable, sql } from 'kysely'
import { locksRows } from './locks-rows.ts'
import { prepared } from './prepared.ts'
import type { Db, WorkTable } from './schema.ts'

/** The row of a queue that is due first. */
type Head = Pick<Selectable<WorkTable>, 'queue' | 'due_ms'>

/** Answers the heads of queues, the one that is due first first. Locks nothing: who claims looks again. */
export function workHeads(db: Db): (queues: readonly string[]) => Promise<readonly Head[]> {
  const headOf = (queue: string) =>
    db
      .selectFrom('work')
      .select(['queue', 'due_ms'])
      .where('queue', '=', queue)
      .orderBy('due_ms')
      .limit(1)
  const oneHead = prepared(db, ({ queue }: { queue: string }) => headOf(queue))

  /** A seek a queue: cheap where nothing travels. */
  async function oneByOne(queues: readonly string[]): Promise<Head[]> {
    const found: Head[] = []
    for (const queue of queues) found.push(...(await oneHead({ queue })).rows)
    return found
  }

  /** The same seeks in one round trip. */
  async function atOnce(queues: readonly string[]): Promise<Head[]> {
    if (queues.length === 0) return []
    const each = queues.map((queue) => sql`(${headOf(queue)})`)
    return (await sql<Head>`${sql.join(each, sql` union all `)}`.execute(db)).rows
  }

  const heads = locksRows(db) ? atOnce : oneByOne
  return async (queues) => (await heads(queues)).sort((one, other) => one.due_ms - other.due_ms)
}
