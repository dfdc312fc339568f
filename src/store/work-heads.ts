import type { Selectable } from 'kysely'
import { inText } from './in-text.ts'
import { preparedList } from './prepared.ts'
import type { Db, WorkTable } from './schema.ts'

/** Queues in one statement: SQLite joins at most 500. Their lists come of configuration, few and of one length each. */
const queuesMax = 128

/** The row of a queue that is due first. */
type Head = Pick<Selectable<WorkTable>, 'queue' | 'due_ms'>

/**
 * Answers the heads of queues, the one that is due first first: a seek a queue, many in one statement. Locks nothing:
 * who claims looks again.
 */
export function workHeads(db: Db): (queues: readonly string[]) => Promise<readonly Head[]> {
  const headOf = (queue: string) =>
    db
      .selectFrom('work')
      .select(['queue', 'due_ms'])
      .where('queue', '=', queue)
      .orderBy('due_ms')
      .limit(inText(1))
  const build = (queues: readonly string[]) =>
    queues
      .map((queue) => db.selectFrom(headOf(queue).as('head')).selectAll())
      .reduce((above, below) => above.unionAll(below))
  const headsOf = preparedList(db, build, queuesMax)

  return async (queues) => {
    const heads: Head[] = []
    for (let from = 0; from < queues.length; from += queuesMax) {
      heads.push(...(await headsOf(queues.slice(from, from + queuesMax))).rows)
    }
    return heads.sort((one, other) => one.due_ms - other.due_ms)
  }
}
