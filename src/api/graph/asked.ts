import type { z } from 'zod'
import type { Refusals } from '../../access/denials.ts'
import type { InvitationPorts } from '../../access/invitations.ts'
import type { RateLimits } from '../../access/rate-limits.ts'
import type { LogEvent } from '../../base/world.ts'
import type { Caller } from '../../domain/access.ts'
import type { Auditor } from '../../domain/audit.ts'
import { ArmError } from '../../domain/errors.ts'
import type { PrincipalRows } from '../../domain/principals.ts'
import type { Body } from './graph-bodies.ts'
import type { Sight } from './sight.ts'

export type GraphPorts = InvitationPorts & {
  readonly log: (event: LogEvent) => void
  /** Throws AuthenticationFailed. */
  authenticate(authorization: string | undefined): Promise<Caller>
  /** The directory, each change of which is told in this name. */
  principalsFor(auditor: Auditor): PrincipalRows & Pick<InvitationPorts, 'invitations'>
  /** As people know it. */
  tenantName(tenantId: string): Promise<string>
  readonly refusals: Refusals
  readonly rates: RateLimits
  /** The `WWW-Authenticate` header of a refusal. */
  challenge(why: string): string
  /** Where clients reach Graph: `https://host:port/graph/v1.0`. */
  readonly base: string
}

/** One request of Graph, read: what every handler is given. */
export type GraphAsked = {
  readonly ports: GraphPorts
  readonly caller: Caller
  readonly sight: Sight
  readonly search: URLSearchParams
  /** The parts of the path that stand for ids, in order. */
  readonly ids: readonly string[]
  json(): Promise<unknown>
}

export type GraphAnswer = { readonly status: 200 | 201 | 204; readonly body?: Body }

export type Route = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/graph/v1.0`; `*` stands for an id. */
  readonly path: string
  run(asked: GraphAsked): Promise<GraphAnswer>
}

/**
 * The body as `schema` has it. What else it says must be nothing (null, false, empty) or one of `ignored`: what is not
 * kept is refused, never dropped in silence.
 */
export async function readBody<Schema extends z.ZodObject>(
  { json }: Pick<GraphAsked, 'json'>,
  schema: Schema,
  ignored: readonly string[] = [],
): Promise<z.infer<Schema>> {
  const sent = await json()
  const parsed = schema.safeParse(sent)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const member = issue?.path.join('.') ?? ''
    const message = `Invalid value specified for property '${member}' of the resource: ${issue?.message ?? 'it has another shape'}.`
    throw new ArmError('InvalidParameter', message, member)
  }
  const known = new Set([...Object.keys(schema.shape), ...ignored])
  for (const [member, value] of Object.entries(Object(sent))) {
    if (known.has(member) || member.startsWith('@') || isNothing(value)) continue
    throw new ArmError('InvalidParameter', `Property '${member}' is not available here.`, member)
  }
  return parsed.data
}

function isNothing(value: unknown): boolean {
  if (value === null || value === false || value === '') return true
  if (typeof value !== 'object') return false
  return Object.values(value).every(isNothing)
}

/** Who changed what: in the log, for whoever asks later. */
export function audit(
  { ports, caller }: GraphAsked,
  event: string,
  facts: Readonly<Record<string, unknown>>,
): void {
  ports.log({ level: 'info', event, ...facts, by: caller.principalId })
}
