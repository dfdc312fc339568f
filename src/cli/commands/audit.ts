import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, command } from '../command.ts'
import { may } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { propertiesOf } from '../resources.ts'
import type { Column } from '../table.ts'
import { UsageError } from '../usage-error.ts'

const columns: readonly Column[] = [
  ['Time', 'eventTimestamp'],
  ['Status', 'status'],
  ['Who', 'who'],
  ['Action', 'action'],
  ['Scope', 'scope'],
  ['Details', 'told'],
]

const list = command({
  name: 'list',
  says: 'List who granted, changed or was denied what, newest first.',
  more: 'Grants of roles and of access, changes of the directory, and refused requests. Equal refusals of a few seconds are one line that counts them.',
  examples: ['vitrine audit list --scope / --since 2026-01-31'],
  flags: {
    scope: may(
      '--scope <id>',
      'At this id and below it; `/` is everything. Left out: the subscription.',
    ),
    since: may('--since <time>', 'From this time on, e.g. 2026-01-31 or 2026-01-31T08:00:00Z.'),
    until: may('--until <time>', 'Up to this time.'),
  },
  run: async ({ connect, signal }, { scope, since, until }) => {
    const { client, paths } = await connect()
    const at = scope === undefined ? paths.subscription : scope.replace(/\/+$/, '')
    const terms = [
      ...(since === undefined ? [] : [`eventTimestamp ge '${timeOf(since, '--since')}'`]),
      ...(until === undefined ? [] : [`eventTimestamp le '${timeOf(until, '--until')}'`]),
    ]
    const query: Record<string, string> = terms.length === 0 ? {} : { $filter: terms.join(' and ') }
    const value: JsonObject[] = []
    const options = { apiVersion: apiVersions.vitrine, query, signal }
    for await (const row of client.list(`${at}/providers/Vitrine.Gallery/audit`, options)) {
      const properties = propertiesOf(row)
      const { name, principalId } = Object(properties.caller)
      const shown = { who: name || principalId || null, told: JSON.stringify(properties.details) }
      value.push({ ...row, properties: { ...properties, ...shown } })
    }
    return { value, columns }
  },
})

export const auditCommands: CommandGroup = {
  name: 'audit',
  says: 'What was granted, changed and denied, and by whom.',
  commands: [list],
}

function timeOf(text: string, flag: string): string {
  const atMs = Date.parse(text)
  if (!Number.isNaN(atMs)) return new Date(atMs).toISOString()
  throw new UsageError(`${flag} is no time: ${text}. Write it as 2026-01-31T08:00:00Z.`)
}
