import { invariant } from '../base/assert.ts'
import { openLru } from '../base/lru.ts'
import { networkOf } from '../base/network-of.ts'
import type { World } from '../base/world.ts'
import { ArmError, Throttled } from '../domain/errors.ts'

/** Whoever comes after so many others finds his buckets full again. */
const askersMax = 8192
const networksMax = 16_384

type Bucket = { tokens: number; atMs: number }
type Bound = { readonly burst: number; readonly perSecond: number }

/** Azure's buckets of one principal in one subscription: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling */
const subscriptionBounds = {
  reads: { burst: 250, perSecond: 25 },
  writes: { burst: 200, perSecond: 10 },
  deletes: { burst: 200, perSecond: 10 },
} as const

/** Refused tokens of one network, whatever the rates of principals are: an honest one sends few, also behind one address. */
const refusedBound: Bound = { burst: 600, perSecond: 10 }

/** What the service of Azure takes of an operation in 3 and in 30 minutes, as its headers tell. */
const rated = [
  ['CreateUpdateGallery', 50, 300],
  ['GetGallery', 350, 2_500],
  ['ListGallery', 150, 1_000],
  ['ListGalleryInResourceGroup', 100, 1_000],
  ['DeleteGallery', 50, 300],
  ['CreateUpdateGalleryImage', 150, 750],
  ['GetGalleryImage', 600, 3_000],
  ['ListGalleryImagesInGallery', 1_500, 10_000],
  ['DeleteGalleryImage', 50, 300],
  ['CreateUpdateGalleryImageVersion', 375, 1_200],
  ['GetGalleryImageVersion', 2_000, 10_000],
  ['ListGalleryImageVersionsInGalleryImage', 1_500, 10_000],
  ['DeleteGalleryImageVersion', 150, 1_000],
  ['CreateUpdateGalleryApplication', 150, 750],
  ['GetGalleryApplication', 300, 2_000],
  ['ListGalleryApplicationsInGallery', 1_500, 10_000],
  ['DeleteGalleryApplication', 50, 300],
  ['CreateUpdateGalleryApplicationVersion', 150, 750],
  ['GetGalleryApplicationVersion', 2_000, 10_000],
  ['ListGalleryApplicationVersionsInGalleryApplication', 1_500, 10_000],
  ['DeleteGalleryApplicationVersion', 150, 1_000],
  ['PostShareGallery', 10, 60],
  ['GetOperationStatus', 1_200, 4_200],
] as const

const shortS = 180
const longS = 1_800

export type RatedOperation = (typeof rated)[number][0]
export type RatedKind = keyof typeof subscriptionBounds

export type Charge = {
  readonly principalId: string
  /** Undefined for what lies in none: the bucket of the tenant. */
  readonly subscription: string | undefined
  readonly kind: RatedKind
  readonly operation: RatedOperation | undefined
}

export type RateLimits = ReturnType<typeof openRateLimits>

type Asker = {
  readonly buckets: Readonly<Record<RatedKind, Bucket>>
  readonly operations: Map<RatedOperation, { readonly short: Bucket; readonly long: Bucket }>
}

/**
 * Bounds what each principal asks of this process, with Azure's buckets made `timesAzure` as large. It lives in memory, and
 * of a bounded number of askers: several processes give each its own.
 */
export function openRateLimits({
  timesAzure,
  world,
}: {
  readonly timesAzure: number
  readonly world: Pick<World, 'now'>
}) {
  const askers = openLru<string, Asker>(askersMax)
  const times = ({ burst, perSecond }: Bound): Bound => ({
    burst: burst * timesAzure,
    perSecond: perSecond * timesAzure,
  })
  const bounds = {
    reads: times(subscriptionBounds.reads),
    writes: times(subscriptionBounds.writes),
    deletes: times(subscriptionBounds.deletes),
  }
  const operations = operationBoundsOf(timesAzure)

  /** Takes one token of each bucket; the headers that tell what is left, names and values in turn. Throws Throttled. */
  function charge({ principalId, subscription, kind, operation }: Charge): readonly string[] {
    const nowMs = world.now().getTime()
    const asker = askerOf(
      subscription === undefined ? principalId : principalId + subscription,
      nowMs,
    )
    const left = take(asker.buckets[kind], bounds[kind], nowMs)
    if (left < 0) throw subscriptionThrottled({ principalId, subscription, kind }, -left)
    const name = subscription === undefined ? tenantHeaders[kind] : subscriptionHeaders[kind]
    if (operation === undefined) return [name, String(Math.floor(left))]
    const told = chargeOperation(asker, operation, nowMs)
    return [name, String(Math.floor(left)), 'x-ms-ratelimit-remaining-resource', told]
  }

  function askerOf(key: string, atMs: number): Asker {
    const known = askers.get(key)
    if (known) return known
    const full = (kind: RatedKind): Bucket => ({ tokens: bounds[kind].burst, atMs })
    const buckets = { reads: full('reads'), writes: full('writes'), deletes: full('deletes') }
    const fresh = { buckets, operations: new Map() }
    askers.set(key, fresh)
    return fresh
  }

  function chargeOperation(asker: Asker, operation: RatedOperation, nowMs: number): string {
    const bound = operations.get(operation)
    invariant(bound, 'every rated operation has its bounds')
    const { short, long } = bound
    let held = asker.operations.get(operation)
    if (!held) {
      held = {
        short: { tokens: short.burst, atMs: nowMs },
        long: { tokens: long.burst, atMs: nowMs },
      }
      asker.operations.set(operation, held)
    }
    const inShort = take(held.short, short, nowMs)
    if (inShort < 0) throw operationThrottled(short, -inShort)
    const inLong = take(held.long, long, nowMs)
    if (inLong < 0) throw operationThrottled(long, -inLong)
    return `${short.told}${Math.floor(inShort)},${long.told}${Math.floor(inLong)}`
  }

  return { charge, guarded: openTokenGuard(refusedBound, world) }
}

function openTokenGuard(bound: Bound, world: Pick<World, 'now'>) {
  const refused = openLru<string, Bucket>(networksMax)

  /**
   * Runs `authenticate`. Whose network had too many tokens refused gets 429 for the next that is, and learns nothing of it;
   * a good one is always taken, so that nobody locks out who shares his network. Throws Throttled.
   */
  async function guarded<Found>(
    address: string,
    authenticate: () => Promise<Found>,
  ): Promise<Found> {
    try {
      return await authenticate()
    } catch (error) {
      if (!(error instanceof ArmError) || error.status !== 401) throw error
      const network = networkOf(address)
      const nowMs = world.now().getTime()
      const bucket = refused.get(network) ?? { tokens: bound.burst, atMs: nowMs }
      refused.set(network, bucket)
      const left = take(bucket, bound, nowMs)
      if (left >= 0) throw error
      const waitS = Math.ceil(-left)
      const message = `Too many requests of this network were refused. Sign in, and try again after '${waitS}' seconds.`
      throw new Throttled('TooManyRequests', message, waitS)
    }
  }

  return guarded
}

function leftIn(bucket: Bucket, { burst, perSecond }: Bound, nowMs: number): number {
  // A clock that goes back gives nothing.
  const passedMs = Math.max(0, nowMs - bucket.atMs)
  bucket.tokens = Math.min(burst, bucket.tokens + (passedMs * perSecond) / 1000)
  bucket.atMs = nowMs
  return bucket.tokens
}

/** What is left after one was taken; negative, and nothing taken: the seconds until there is one. */
function take(bucket: Bucket, bound: Bound, nowMs: number): number {
  const left = leftIn(bucket, bound, nowMs)
  if (left < 1) return -Math.max((1 - left) / bound.perSecond, Number.MIN_VALUE)
  bucket.tokens = left - 1
  return bucket.tokens
}

const kindWords = { reads: 'read', writes: 'write', deletes: 'delete' } as const

function subscriptionThrottled(
  { principalId, subscription, kind }: Omit<Charge, 'operation'>,
  waitS: number,
): Throttled {
  const seconds = Math.ceil(waitS)
  const where = subscription === undefined ? 'the tenant' : `subscription '${subscription}'`
  const message = `Number of '${kindWords[kind]}' requests for ${where} actor '${principalId}' exceeded. Please try again after '${seconds}' seconds after additional tokens are available.`
  const code =
    subscription === undefined ? 'TenantRequestsThrottled' : 'SubscriptionRequestsThrottled'
  return new Throttled(code, message, seconds)
}

function operationThrottled({ group, burst }: GroupBound, waitS: number): Throttled {
  const seconds = Math.ceil(waitS)
  const message = `The server rejected the request because too many requests have been received for this subscription. Please try again after '${seconds}' seconds.`
  const told = JSON.stringify({ operationGroup: group, allowedRequestCount: burst })
  return new Throttled('OperationNotAllowed', message, seconds, [
    { code: 'TooManyRequests', target: group, message: told },
  ])
}

type GroupBound = Bound & {
  readonly group: string
  /** What stands in the header before the number. */
  readonly told: string
}

function groupBound(group: string, burst: number, seconds: number): GroupBound {
  return { group, told: `Microsoft.Compute/${group};`, burst, perSecond: burst / seconds }
}

/** Both bounds of each operation. */
function operationBoundsOf(timesAzure: number) {
  const bounds = rated.map(([name, short, long]) => {
    const both = {
      short: groupBound(`${name}3Min`, short * timesAzure, shortS),
      long: groupBound(`${name}30Min`, long * timesAzure, longS),
    }
    return [name, both] as const
  })
  return new Map<RatedOperation, (typeof bounds)[number][1]>(bounds)
}

function headersOf(over: 'subscription' | 'tenant'): Readonly<Record<RatedKind, string>> {
  const before = `x-ms-ratelimit-remaining-${over}`
  return { reads: `${before}-reads`, writes: `${before}-writes`, deletes: `${before}-deletes` }
}

const subscriptionHeaders = headersOf('subscription')
const tenantHeaders = headersOf('tenant')
