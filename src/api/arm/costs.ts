import { mustBeAllowed } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { parseResourceId, type ResourceId } from '../../domain/resource-id.ts'
import { findSubscription, resourceNotFound } from '../../providers/front-door.ts'
import {
  type BilledBy,
  billedBy,
  type Charge,
  type Month,
  monthOf,
  parseMonth,
} from '../../views/bill.ts'
import { type Costs, costsOf, hasCosts } from '../../views/costs.ts'
import type { Answer, ArmRequest } from './answer.ts'

const action = 'Vitrine.Gallery/costs/read'

/**
 * What the versions of a subscription, group, gallery or definition, or one version, cost in a month (requirements 96-100), beside what is
 * really stored and moved. It need not exist any more; what never did is refused.
 */
export async function answerCosts(request: ArmRequest, path: string): Promise<Answer> {
  const { providers, asked, query, prices } = request
  const scope = parseResourceId(path)
  if (!scope) throw new ArmError('NotFound', `'${path}' is no scope that has costs.`)
  mustBeAllowed(asked.caller, action, scope.text)
  findSubscription(providers, scope.subscription)
  const { read } = providers.store
  if (!(await hasCosts(read, scope))) throw resourceNotFound(scope)
  const nowMs = await providers.store.nowMs()
  const month = monthIn(query.get('month'), nowMs)
  const by = byIn(query.get('by'))
  const { key: scopeKey } = scope
  const costs = await costsOf(read, prices, { scopeKey, month, nowMs, by })
  return { status: 200, body: costsBody(request, { scope, month, nowMs, by, costs }) }
}

function monthIn(text: string | undefined, nowMs: number): Month {
  const month = text === undefined ? monthOf(nowMs) : parseMonth(text)
  if (month) return month
  throw new ArmError(
    'InvalidParameter',
    `The month '${text}' is none. Write it as 2026-11.`,
    'month',
  )
}

function byIn(text: string | undefined): BilledBy {
  if (text === undefined) return 'version'
  const found = billedBy.find((one) => one.toLowerCase() === text.toLowerCase())
  if (found) return found
  const message = `Costs are not told by '${text}'. Use one of ${billedBy.join(', ')}.`
  throw new ArmError('InvalidParameter', message, 'by')
}

type Told = {
  readonly scope: ResourceId
  readonly month: Month
  readonly nowMs: number
  readonly by: BilledBy
  readonly costs: Costs
}

function costsBody({ prices }: ArmRequest, { scope, month, nowMs, by, costs }: Told) {
  const { total, lines, notes, stored } = costs
  const shown = lines.slice(0, limits.costLinesMax)
  const more = lines.length - shown.length
  const { currency, about, links } = prices
  return {
    id: `${scope.text}/providers/Vitrine.Gallery/costs/${month.name}`,
    name: month.name,
    type: 'Vitrine.Gallery/costs',
    properties: {
      from: new Date(month.fromMs).toISOString(),
      until: new Date(Math.max(month.fromMs, Math.min(month.untilMs, nowMs))).toISOString(),
      currency,
      ...shownCharge(total),
      // Requirement 96.
      service: { cost: 0 },
      by,
      lines: shown.map(({ name, ...charge }) => ({ name, ...shownCharge(charge) })),
      really: {
        asOf: new Date(nowMs).toISOString(),
        storedBytes: stored.reduce((sum, { bytes }) => sum + bytes, 0),
        regions: stored.map(({ region, bytes }) => ({ region, storedBytes: bytes })),
        movedBytes: total.movedBytes,
      },
      prices: { about, links },
      notes: [
        ...notes,
        ...(more > 0 ? [`${more} lines that cost least are left out; the total has them.`] : []),
      ],
    },
  }
}

function shownCharge({ storage, egress, cost, movedBytes }: Charge) {
  return { cost, storage, egress, movedBytes }
}
