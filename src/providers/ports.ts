import type { World } from '../base/world.ts'
import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Problem } from '../domain/problem.ts'
import type { RegionName } from '../domain/regions.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import type { Tenancy } from '../domain/tenants.ts'
import type { ResourceType, Settings } from '../resources/declaration.ts'
import type { Store } from '../store/store.ts'

export type Subscription = {
  readonly id: string
  readonly displayName: string
  readonly tenantId: string
}

/** What the verbs stand on; handed over by `installation.ts`. */
export type Providers = {
  readonly store: Store
  readonly settings: Settings
  readonly subscriptions: readonly Subscription[]
  readonly tenancy: Tenancy
  readonly world: World
  readonly types: readonly ResourceType[]
  findType(type: string): ResourceType | undefined
  /** No worker of this region was heard of late: its replicas wait until one returns. */
  isAway(region: RegionName): boolean
}

/** Who asks, and under which name the answer is traced. */
export type Asked = {
  readonly caller: Caller
  readonly correlationId: string
  readonly apiVersion: string
}

/** One resource of one type, as the address says it. */
export type Target = { readonly id: ResourceId; readonly type: ResourceType }

/** One error for all problems: the first speaks, and when there are several they are listed, so many that an answer stays small. */
export function refuse(problems: readonly Problem[]): never {
  const [first, ...rest] = problems
  if (!first) throw new ArmError('InternalServerError', 'A refusal without a reason.')
  const told = problems.slice(0, limits.problemsToldMax)
  throw new ArmError(first.code, first.message, first.target, rest.length > 0 ? told : [])
}
