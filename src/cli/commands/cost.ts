import { z } from 'zod'
import { objectIn } from '../../client/client.ts'
import { ClientError } from '../../client/client-error.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may } from '../flag.ts'
import { apiVersions, type Paths } from '../paths.ts'
import { at, type Column } from '../table.ts'
import { formatAmount, formatBytes } from '../units.ts'
import { UsageError } from '../usage-error.ts'

const Charge = z.object({
  cost: z.number(),
  storage: z.object({
    gbMonths: z.number(),
    cost: z.number(),
    replicas: z.number(),
    billedBytes: z.number(),
  }),
  egress: z.object({ gb: z.number(), cost: z.number() }),
})
const Costs = Charge.extend({
  currency: z.string(),
  lines: z.array(Charge.extend({ name: z.string() })),
  really: z.object({ storedBytes: z.number(), movedBytes: z.number() }),
  prices: z.object({ about: z.string() }),
  notes: z.array(z.string()),
})
const Body = z.object({ id: z.string(), name: z.string(), properties: Costs })

const groupings = ['version', 'definition', 'gallery', 'resourceGroup', 'region', 'storageType']

const cost = command({
  name: 'cost',
  says: 'Show what versions cost in a month, and what is really stored and moved.',
  more: 'Storage is the occupied size times replicas in each region, for the part of the month that they existed; egress is the first copy into each other region. A GB is 1024³ bytes. Prices are those of the list that the setting prices of the server names. Left out, names widen it: without any it is the whole subscription.',
  examples: [
    'vitrine cost --month 2026-11 --by gallery',
    'vitrine cost -g images -r corpImages -i debian -e 1.0.0 --by region',
  ],
  flags: {
    group: may('-g, --resource-group <name>', 'Of this resource group.', { completes: 'group' }),
    gallery: may('-r, --gallery-name <name>', 'Of this gallery; with --resource-group.', {
      completes: 'gallery',
    }),
    definition: may(
      '-i, --gallery-image-definition <name>',
      'Of this definition; with --gallery-name.',
      { completes: 'definition' },
    ),
    version: may(
      '-e, --gallery-image-version <version>',
      'Of this version; with --gallery-image-definition.',
      { completes: 'version' },
    ),
    month: may('--month <month>', 'A calendar month, UTC, e.g. 2026-11. Left out: this one.'),
    by: may('--by <what>', 'What a line is of. Left out: version.', { choices: groupings }),
  },
  run: async (context, { month, by, ...names }) => {
    const { client, paths } = await context.connect()
    const scope = scopeOf(paths, names)
    const asked = client.call('GET', `${scope}/providers/Vitrine.Gallery/costs`, {
      apiVersion: apiVersions.vitrine,
      query: { ...(month !== undefined && { month }), ...(by !== undefined && { by }) },
      signal: context.signal,
    })
    const answer = await asked.catch(async (error) => {
      throw await withNames(context, names, error)
    })
    const body = Body.safeParse(answer.body)
    if (!body.success) throw unknownShape()
    const costs = body.data.properties
    if (context.output === 'json') return { value: objectIn(answer), columns: [] }
    const lines = costs.lines.map((line) => ({ ...line, name: shortName(line.name, scope) }))
    const value = [...lines, { ...costs, name: 'Total' }]
    return { value, columns: columnsIn(costs.currency), note: noteOf(body.data.name, costs) }
  },
})

export const costCommands: CommandGroup = {
  name: '',
  says: 'What versions cost.',
  commands: [cost],
}

type Names = Readonly<Record<'group' | 'gallery' | 'definition' | 'version', string | undefined>>

function scopeOf(paths: Paths, { group, gallery, definition, version }: Names): string {
  if (group === undefined) {
    if ([gallery, definition, version].some((one) => one !== undefined))
      throw new UsageError('Name the resource group of it: --resource-group.')
    return paths.subscription
  }
  if (gallery === undefined) {
    if (definition !== undefined || version !== undefined)
      throw new UsageError('Name the gallery of it: --gallery-name.')
    return paths.group(group)
  }
  if (definition === undefined) {
    if (version !== undefined)
      throw new UsageError('Name the definition of it: --gallery-image-definition.')
    return paths.gallery(group, gallery)
  }
  if (version === undefined) return paths.definition(group, gallery, definition)
  return paths.version({ group, gallery, definition, version })
}

const namesMax = 20

/** Of a scope that there is not, the names that there are in place of the first that is wrong. */
async function withNames(context: Context, names: Names, error: unknown): Promise<unknown> {
  if (!(error instanceof ClientError) || error.status !== 404) return error
  const { client, paths } = await context.connect()
  const { group = '', gallery = '', definition = '', version = '' } = names
  const definitions = `${paths.gallery(group, gallery)}/images`
  const versions = `${paths.definition(group, gallery, definition)}/versions`
  const levels = [
    ['resource group', group, paths.groups, apiVersions.groups],
    ['gallery', gallery, paths.galleries(group), apiVersions.galleries],
    ['image definition', definition, definitions, apiVersions.galleries],
    ['version', version, versions, apiVersions.galleries],
  ] as const
  const { signal } = context
  for (const [what, name, list, apiVersion] of levels) {
    if (await client.find(`${list}/${encodeURIComponent(name)}`, { apiVersion, signal })) continue
    const there: string[] = []
    for await (const row of client.list(list, { apiVersion, signal })) {
      if (there.push(String(row.name)) === namesMax) break
    }
    const nextStep = there.length === 0 ? undefined : `There are: ${there.join(', ')}.`
    const message = `There is no ${what} '${name}', and there was none that cost something.`
    return new ClientError({ ...error, message, nextStep }, { cause: error })
  }
  return error
}

function columnsIn(currency: string): readonly Column[] {
  const decimals = (path: string, digits: number) => (row: Parameters<typeof at>[0]) =>
    formatAmount(Number(at(row, path)), digits)
  return [
    ['Of', 'name'],
    ['Replicas', 'storage.replicas'],
    ['Billed', (row) => formatBytes(Number(at(row, 'storage.billedBytes')))],
    ['GB-months', decimals('storage.gbMonths', 3)],
    ['Storage', decimals('storage.cost', 2)],
    ['Egress GB', decimals('egress.gb', 3)],
    ['Egress', decimals('egress.cost', 2)],
    [currency, decimals('cost', 2)],
  ]
}

/** What the scope says already is left out. */
function shortName(name: string, scope: string): string {
  const isBelow = name.toLowerCase().startsWith(`${scope.toLowerCase()}/`)
  const short = isBelow ? name.slice(scope.length + 1) : name
  return short.replace(/^providers\/Microsoft.Compute\//i, '')
}

function noteOf(month: string, { really, prices, notes }: z.output<typeof Costs>): string {
  const { storedBytes, movedBytes } = really
  const stored = `Really stored now: ${formatBytes(storedBytes)}; really moved between regions in ${month}: ${formatBytes(movedBytes)}.`
  return [stored, prices.about, ...notes].filter((line) => line !== '').join('\n')
}

function unknownShape(): ClientError {
  return new ClientError({
    code: 'BadAnswer',
    message: 'The server tells costs in a shape that is not known here.',
    nextStep: 'Use the `vitrine` command of the same release as the server.',
  })
}
