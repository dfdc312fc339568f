import { ArmError, Denied } from '../../domain/errors.ts'
import { parseSpaceId } from '../../domain/spaces.ts'
import { foreseeRemoval } from '../../providers/remove.ts'
import { type Foreseen, foreseeWrite } from '../../providers/write.ts'
import { rounded } from '../../views/bill.ts'
import { type Forecast, type ForeseenVersion, forecastVersion } from '../../views/what-if.ts'
import { type Answer, notAllowed, type Resourceful } from './answer.ts'

/**
 * What a PUT of the same body (or with `change=delete` a DELETE) would do to a version: nothing is written. It is planned as
 * that is, by the same caller; what it would be refused for are `problems`.
 */
export async function answerWhatIf(request: Resourceful): Promise<Answer> {
  if (request.method !== 'POST') throw notAllowed(request.method)
  const change = request.query.get('change')?.toLowerCase() ?? 'write'
  if (change === 'delete') return answerDelete(request)
  if (change === 'write') return answerWrite(request)
  const message = `'${change}' is no change. Use write or delete.`
  throw new ArmError('InvalidParameter', message, 'change')
}

async function answerWrite(request: Resourceful): Promise<Answer> {
  const { providers, preconditions } = request
  const body = await request.json()
  const read = async () => ({ mode: 'replace' as const, body })
  const asked = askedOf(request)
  const found = await orProblems(() =>
    foreseeWrite(providers, asked, request, { read, preconditions }),
  )
  if ('problems' in found) return told(request, { change: 'None', ...found })
  const { before, row, change } = found
  const forecast = await forecastOf(request, { before, row, keeps: change.keeps })
  const quotas = await quotasOf(request, found)
  const replicas = forecast.regions.filter(({ replicas: { after } }) => after > 0)
  return told(request, {
    change: before ? 'Update' : 'Create',
    ...summed(forecast),
    quotas: [
      ...quotas,
      ...replicas.map(({ region, replicas: { before: used, after } }) => {
        const limit = providers.settings.quotas.replicasPerRegion
        return { name: 'Replicas', location: region, limit, used, after, left: limit - after }
      }),
    ],
  })
}

async function answerDelete(request: Resourceful): Promise<Answer> {
  const { providers, asked } = request
  const found = await orProblems(async () => ({
    removal: await foreseeRemoval(providers, asked, request),
  }))
  if ('problems' in found) return told(request, { change: 'None', ...found })
  const { removal } = found
  if (!removal) return told(request, { change: 'None', notes: ['There is no such version.'] })
  const { row, isSoft } = removal
  if (isSoft) {
    const note =
      'The gallery deletes softly: the version can be restored, and is stored and billed, until it is purged.'
    return told(request, { change: 'SoftDelete', notes: [note] })
  }
  const forecast = await forecastOf(request, { before: row, row: undefined, keeps: [] })
  const uses = await request.spaceOf(row.key, providers.tenancy.scopesOf(asked.caller.tenantId))
  const freed = Map.groupBy(uses, ({ space }) => parseSpaceId(space)?.region ?? '')
  return told(request, {
    change: 'Delete',
    ...summed(forecast),
    freed: [...freed].map(([region, spaces]) => ({
      region,
      freedBytes: spaces.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
    })),
  })
}

/** The newest api-version is taken for what is none of the type's. */
function askedOf({ asked, type }: Resourceful) {
  if (type.apiVersions.includes(asked.apiVersion)) return asked
  return { ...asked, apiVersion: type.apiVersions.at(-1) ?? '' }
}

type Problems = {
  readonly problems: readonly {
    readonly code: string
    readonly message: string
    readonly target?: string
  }[]
}

/** What the body or what there is speaks against is told; who may not ask is refused. */
async function orProblems<Found extends object>(
  foresee: () => Promise<Found>,
): Promise<Found | Problems> {
  try {
    return await foresee()
  } catch (error) {
    const isTold = error instanceof ArmError && [400, 404, 409].includes(error.status)
    if (!isTold || error instanceof Denied) throw error
    const { code, message, target, details } = error
    const first = { code, message, ...(target !== undefined && { target }) }
    return { problems: details.length > 0 ? details : [first] }
  }
}

async function forecastOf(request: Resourceful, foreseen: ForeseenVersion): Promise<Forecast> {
  const { providers, planCopy } = request
  const { settings, store } = providers
  const prices = request.prices.at(await store.nowMs())
  return await forecastVersion({ rows: store.read, settings, prices, planCopy }, foreseen)
}

async function quotasOf({ providers }: Resourceful, { row, change, before }: Foreseen) {
  const quotas = []
  const { type } = row
  const counted = providers.findType(type)
  const [scope] = change.counts.map((count) => count.scope)
  if (before || scope === undefined || !counted) return []
  const used = await providers.store.read.counters.of(scope)
  for (const { name, by, limit } of change.counts) {
    const now = used.find((counter) => counter.name === name)?.value ?? 0
    const location = scope.slice(scope.indexOf('|') + 1)
    quotas.push({ name, location, limit, used: now, after: now + by, left: limit - now - by })
  }
  return quotas
}

function summed({ regions, notes }: Forecast) {
  const sum = (of: (region: Forecast['regions'][number]) => number) =>
    rounded(regions.reduce((all, region) => all + of(region), 0))
  const seconds = regions.map(({ estimatedSeconds }) => estimatedSeconds)
  return {
    regions,
    total: {
      bytesToMove: sum(({ bytesToMove }) => bytesToMove),
      bytesToCross: sum(({ bytesToCross }) => bytesToCross),
      gbMonths: sum(({ gbMonths }) => gbMonths),
      monthlyCost: sum(({ monthlyCost }) => monthlyCost),
      egress: { gb: sum(({ egress }) => egress.gb), cost: sum(({ egress }) => egress.cost) },
      // Regions are filled at the same time.
      estimatedSeconds: seconds.includes(null) ? null : Math.max(0, ...seconds.map(Number)),
    },
    notes,
  }
}

function told({ id, prices }: Resourceful, properties: object): Answer {
  const empty = { problems: [], regions: [], quotas: [], freed: [], notes: [] }
  return {
    status: 200,
    body: {
      id: `${id.text}/providers/Vitrine.Gallery/whatIf`,
      name: 'whatIf',
      type: 'Vitrine.Gallery/whatIf',
      properties: { currency: prices.currency, ...empty, ...properties },
    },
  }
}
