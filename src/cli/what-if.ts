import { z } from 'zod'
import { objectIn } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Answer } from './answer.ts'
import type { Context } from './command.ts'
import { on } from './flag.ts'
import { existsAlready } from './resources.ts'
import { at, type Column } from './table.ts'
import { formatAmount, formatBytes, formatEta } from './units.ts'

/** On commands that change a version. */
export const whatIf = on('--what-if', 'Show what it would move, store and cost; change nothing.')

const Told = z.object({
  properties: z.object({
    change: z.string(),
    currency: z.string(),
    problems: z.array(z.object({ code: z.string(), message: z.string() })),
    regions: z.array(z.record(z.string(), z.json())),
    total: z.record(z.string(), z.json()).optional(),
    quotas: z.array(
      z.object({ name: z.string(), location: z.string(), limit: z.number(), left: z.number() }),
    ),
    freed: z.array(z.object({ region: z.string(), freedBytes: z.number() })),
    notes: z.array(z.string()),
  }),
})
type Properties = z.output<typeof Told>['properties']

/** What a PUT of `body`, or without one a deletion, would do to the version. Throws ClientError with the first thing that speaks against it. */
export async function foreseen(
  context: Context,
  {
    path,
    apiVersion,
    body,
    onlyNew = false,
  }: {
    readonly path: string
    readonly apiVersion: string
    readonly body: JsonObject | undefined
    readonly onlyNew?: boolean
  },
): Promise<Answer> {
  const { client } = await context.connect()
  const asking = client.call('POST', `${path}/providers/Vitrine.Gallery/whatIf`, {
    apiVersion,
    body: body ?? {},
    query: body === undefined ? { change: 'delete' } : {},
    signal: context.signal,
    onlyNew,
  })
  const answer = await asking.catch((error: unknown) => {
    const isThere = onlyNew && error instanceof ClientError && error.status === 412
    throw isThere ? existsAlready(path, 'image-version', error) : error
  })
  const told = Told.safeParse(objectIn(answer))
  if (!told.success) throw unknownShape()
  const { properties } = told.data
  const { problems, regions, total, freed } = properties
  const [problem] = problems
  if (problem) throw refusedThen(problem, problems.length - 1)
  if (context.output === 'json') return { value: objectIn(answer), columns: [] }
  // A deletion that is soft moves nothing and frees nothing: the note says it all.
  if (regions.length === 0) return { value: [], columns: [], note: noteOf(properties) }
  const lines = regions.map((region) => ({
    ...region,
    freedBytes: freed.find((one) => one.region === region.region)?.freedBytes ?? null,
  }))
  const value = total ? [...lines, { ...total, displayName: 'Total' }] : lines
  return { value, columns: columnsIn(properties), note: noteOf(properties) }
}

function columnsIn({ currency, freed }: Properties): readonly Column[] {
  const bytes = (path: string) => (row: JsonObject) => {
    const found = at(row, path)
    return typeof found === 'number' ? formatBytes(found) : ''
  }
  const number = (path: string, digits: number) => (row: JsonObject) =>
    formatAmount(Number(at(row, path)), digits)
  return [
    ['Region', 'displayName'],
    [
      'Replicas',
      (row) =>
        at(row, 'replicas') ? `${at(row, 'replicas.before')} → ${at(row, 'replicas.after')}` : '',
    ],
    ['Written', bytes('bytesToMove')],
    ['Over the link', bytes('bytesToCross')],
    ['Time', timeOf],
    ['GB-months', number('gbMonths', 3)],
    [`${currency} a month`, number('monthlyCost', 2)],
    [`Egress ${currency}`, number('egress.cost', 2)],
    ...(freed.length > 0 ? [['Freed', bytes('freedBytes')] as const] : []),
  ]
}

function timeOf(row: JsonObject): string {
  const seconds = at(row, 'estimatedSeconds')
  return typeof seconds === 'number' ? formatEta(seconds) : 'unknown'
}

function noteOf({ change, quotas, notes, regions }: Properties): string {
  const bounds = regions.every(({ isExact }) => isExact === true)
    ? []
    : ['Bytes are bounds: less may be moved.']
  const left = quotas.map(
    ({ name, location, limit, left }) =>
      `${name} in ${location}: ${left} of ${limit} left after it.`,
  )
  return [`${change}: nothing was changed.`, ...left, ...bounds, ...notes].join('\n')
}

function refusedThen(problem: { readonly code: string; readonly message: string }, more: number) {
  const others = more > 0 ? ` (and ${more} more: --output json)` : ''
  return new ClientError({
    code: problem.code,
    message: `It would be refused: ${problem.message}${others}`,
    nextStep: 'Change what it says; nothing was changed.',
  })
}

function unknownShape(): ClientError {
  return new ClientError({
    code: 'BadAnswer',
    message: 'The server tells what would be in a shape that is not known here.',
    nextStep: 'Use the `vitrine` command of the same release as the server.',
  })
}
