import { isArray, isObject } from '../../client/client.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may, on } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import type { Column } from '../table.ts'
import { formatWhen } from '../units.ts'
import { UsageError } from '../usage-error.ts'

const followEveryMs = 1_000
/** Pages of what is there already: as many events as a day of a busy installation. */
const pagesMax = 10_000

const columns: readonly Column[] = [
  ['Sequence', 'sequence'],
  ['Time', (row) => formatWhen(row.time)],
  ['Type', (row) => String(row.type).replace('Vitrine.Gallery.', '')],
  ['Subject', 'subject'],
]

const list = command({
  name: 'list',
  says: 'List what happened, oldest first, as CloudEvents.',
  more: 'Versions that were created, published, changed, deleted; regions that have them; which version is latest; ends of life. Each has a number, its place among all: `--after` goes on from there, and misses none.',
  examples: ['vitrine events list --after 1200', 'vitrine events list --follow -o json'],
  flags: {
    after: may('--after <sequence>', 'Only what has a higher number.'),
    scope: may('--scope <id>', 'At this id and below it; `/` is all. Left out: the subscription.'),
    follow: on('--follow', 'Go on with what happens from now on, one JSON document a line.'),
  },
  run: async (context, { after, scope, follow }) => {
    if (after !== undefined && !/^\d{1,15}$/.test(after)) {
      throw new UsageError(`--after is no number of an event: ${after}.`)
    }
    const { paths } = await context.connect()
    const at = paths.scope(scope)
    let cursor = after ?? '0'
    const value: JsonObject[] = []
    for (let pages = 0; pages < pagesMax || follow; pages++) {
      const page = await readPage(context, at, cursor)
      if (follow) for (const event of page.events) context.out.write(`${JSON.stringify(event)}\n`)
      else value.push(...page.events)
      const isEnd = page.next === cursor
      cursor = page.next
      if (isEnd && !follow) break
      if (isEnd) await context.world.sleep(followEveryMs, context.signal)
    }
    return { value, columns }
  },
})

async function readPage(context: Context, at: string, after: string) {
  const { client } = await context.connect()
  const options = { apiVersion: apiVersions.vitrine, query: { after }, signal: context.signal }
  const { body, headers } = await client.call(
    'GET',
    `${at}/providers/Vitrine.Gallery/events`,
    options,
  )
  const events = isArray(body) ? body.filter(isObject) : []
  return { events, next: headers['x-vitrine-cursor'] ?? after }
}

export const eventsCommands: CommandGroup = {
  name: 'events',
  says: 'What happened, in its order, from any place on.',
  commands: [list],
}
