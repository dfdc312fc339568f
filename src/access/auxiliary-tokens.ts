import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { keyOf } from '../domain/resource-id.ts'
import { subscriptionOf, type Tenancy } from '../domain/tenants.ts'

/** As in Azure. */
const tokensMax = 3

type Parts = {
  readonly tenancy: Tenancy
  /** As of the `Authorization` header. Throws AuthenticationFailed. */
  authenticate(authorization: string): Promise<Caller>
}

/**
 * `caller` with the tokens of `x-ms-authorization-auxiliary` beside its own: what a body names in another tenant is
 * allowed when the principal of a token of that tenant may. Throws AuthenticationFailed that says which token is bad.
 */
export async function withAuxiliary(
  { tenancy, authenticate }: Parts,
  caller: Caller,
  header: string,
): Promise<Caller> {
  // Azure's documents have semicolons, its client libraries commas.
  const tokens = header.split(/[;,]/).map((token) => token.trim())
  if (tokens.length > tokensMax) {
    throw refused(`the header has ${tokens.length} tokens; at most ${tokensMax} are taken`)
  }
  const others: Caller[] = []
  for (const [index, token] of tokens.entries()) {
    try {
      others.push(await authenticate(token))
    } catch (error) {
      if (!(error instanceof ArmError)) throw error
      throw refused(`token ${index + 1} of ${tokens.length} is bad: ${error.message}`)
    }
  }

  function mayLink(action: string, scope: string): boolean {
    if (caller.may(action, scope)) return true
    const subscription = subscriptionOf(keyOf(scope))
    const tenantId = subscription === undefined ? undefined : tenancy.tenantOf(subscription)
    return others.some((other) => other.tenantId === tenantId && other.may(action, scope))
  }

  return { ...caller, mayLink }
}

function refused(why: string): ArmError {
  const message = `Authentication failed. The 'x-ms-authorization-auxiliary' header is not right: ${why}`
  return new ArmError('AuthenticationFailed', message.endsWith('.') ? message : `${message}.`)
}
