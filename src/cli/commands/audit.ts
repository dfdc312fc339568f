import { objectOr } from '../../client/client.ts'
import { ClientError } from '../../client/client-error.ts'
import type { Json, JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { principalNames } from '../principals.ts'
import { listResources, propertiesOf } from '../resources.ts'
import type { Column } from '../table.ts'
import { formatWhen } from '../units.ts'
import { UsageError } from '../usage-error.ts'

/** Columns of what an entry tells of whom by name, of principals and roles that are known. */
function columnsWith(known: {
  readonly names: ReadonlyMap<string, string>
  readonly roles: ReadonlyMap<string, string>
}): readonly Column[] {
  const withId = (id: Json | undefined, name = known.names.get(String(id))) =>
    [name, name && id ? `(${id})` : id].filter(Boolean).join(' ')
  return [
    ['Time', (row) => formatWhen(row.eventTimestamp)],
    ['Status', 'status'],
    [
      'Who',
      ({ caller }) => {
        const { principalId, name } = objectOr(caller)
        return withId(principalId, known.names.get(String(principalId)) ?? String(name ?? ''))
      },
    ],
    ['Action', 'action'],
    ['Scope', 'scope'],
    [
      'To',
      ({ details }) => {
        const { principalId, principalType } = objectOr(details)
        if (principalId === undefined) return ''
        return `${String(principalType ?? '').toLowerCase()} ${withId(principalId)}`.trim()
      },
    ],
    ['Role', ({ details }) => roleIn(objectOr(details), known.roles)],
    ['Until', ({ details }) => endOf(objectOr(details))],
    ['Details', ({ details }) => restOf(objectOr(details))],
  ]
}

function roleIn({ roleId, name }: JsonObject, roles: ReadonlyMap<string, string>): string {
  if (typeof roleId !== 'string') return ''
  return roles.get(roleId.toLowerCase()) ?? String(name ?? roleId)
}

function endOf({ expiresOn, endsAt }: JsonObject): string {
  return expiresOn === null ? 'never' : formatWhen(expiresOn ?? endsAt)
}

const inColumns = ['principalId', 'principalType', 'roleId', 'expiresOn', 'endsAt']

/** `grant partner, times 3`. */
function restOf(details: JsonObject): string {
  const rest = Object.entries(details).filter(([name]) => !inColumns.includes(name))
  return rest
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ')
}

/** The names of the roles that can be given there, by GUID; none for who may not read them. */
async function roleNames(context: Context, at: string): Promise<ReadonlyMap<string, string>> {
  const path = `${at}/providers/Microsoft.Authorization/roleDefinitions`
  const roles = await listResources(context, { path, apiVersion: apiVersions.roles }).catch(
    (error: unknown) => {
      if (error instanceof ClientError) return []
      throw error
    },
  )
  return new Map(
    roles.map((role) => [String(role.name).toLowerCase(), String(propertiesOf(role).roleName)]),
  )
}

const allOfTenant =
  'Entries of the tenant as a whole (failed sign-ins, users, invitations, roles at the root): --scope /'

const list = command({
  name: 'list',
  says: 'List who granted, changed or was denied what, newest first.',
  more: 'Grants of roles and of access, changes of the directory, and refused requests. Equal refusals of a few seconds are one line that counts them. What belongs to the tenant as a whole (failed sign-ins, users, groups, applications, invitations, what is given at the root) is in no subscription: `--scope /` shows it, and all subscriptions.',
  examples: ['vitrine audit list --scope / --since 2026-01-31'],
  flags: {
    scope: may(
      '--scope <id>',
      'At this id and below it; `/` is everything of the tenant. Left out: the subscription.',
    ),
    since: may('--since <time>', 'From this time on, e.g. 2026-01-31 or 2026-01-31T08:00:00Z.'),
    until: may('--until <time>', 'Up to this time.'),
  },
  run: async (context, { scope, since, until }) => {
    const { signal } = context
    const { client, paths } = await context.connect()
    const at = paths.scope(scope)
    const terms = [
      ...(since === undefined ? [] : [`eventTimestamp ge '${timeOf(since, '--since')}'`]),
      ...(until === undefined ? [] : [`eventTimestamp le '${timeOf(until, '--until')}'`]),
    ]
    const query: Record<string, string> = terms.length === 0 ? {} : { $filter: terms.join(' and ') }
    const value: JsonObject[] = []
    const options = { apiVersion: apiVersions.vitrine, query, signal }
    for await (const row of client.list(`${at}/providers/Vitrine.Gallery/audit`, options)) {
      value.push(row)
    }
    if (context.output === 'json') return { value, columns: [] }
    const ids = value.flatMap((row) => {
      const { caller, details } = propertiesOf(row)
      return [objectOr(caller).principalId, objectOr(details).principalId].map(String)
    })
    const [names, roles] = [await principalNames(context, ids), await roleNames(context, at)]
    const note = scope === undefined ? { note: allOfTenant } : {}
    return { value, columns: columnsWith({ names, roles }), ...note }
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
