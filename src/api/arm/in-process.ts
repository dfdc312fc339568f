import { mustBeOfTenant } from '../../access/wrong-tenant.ts'
import type { Send } from '../../deployments/ports.ts'
import { ArmError, Unavailable } from '../../domain/errors.ts'
import { mustBeKept } from '../../domain/json-text.ts'
import type { Json } from '../../domain/rows.ts'
import { parseAddress } from './address.ts'
import type { ArmRequest } from './answer.ts'
import { errorAnswer } from './envelope.ts'
import { readQuery } from './request.ts'
import { answerAddress } from './route.ts'
import { remembering, tellRefused } from './tell-refused.ts'

/** What of a request is not its own. */
export type InProcess = Omit<
  ArmRequest,
  | 'asked'
  | 'path'
  | 'search'
  | 'method'
  | 'query'
  | 'preconditions'
  | 'json'
  | 'text'
  | 'header'
  | 'authenticated'
  | 'send'
> & {
  authority(tenantId: string): string
}

/**
 * Answers requests that come from inside as it answers those of clients: by the same rules, with the same refusals, told in
 * the same way.
 */
export function openInProcess(shared: InProcess): Send {
  const send: Send = async ({ hide, ...asking }, { method, path, apiVersion, body = {} }) => {
    const search = `?api-version=${encodeURIComponent(apiVersion)}`
    const text = JSON.stringify(body)
    const { caller, allowed } = remembering(asking.caller, method)
    const asked = { ...asking, caller }
    const request: ArmRequest = {
      ...shared,
      send,
      ...{ path, search, method, query: readQuery(search) },
      asked: { ...asked, apiVersion: apiVersion.toLowerCase() },
      preconditions: { ifMatch: undefined, ifNoneMatch: undefined },
      header: () => undefined,
      authenticated: async () => caller,
      json: async () => body,
      text: async () => text,
    }
    try {
      mustBeOfTenant(
        { tenancy: shared.providers.tenancy, authority: shared.authority },
        caller,
        path,
      )
      mustBeKept(text)
      const { status, headers = {}, ...answer } = await answerAddress(request, parseAddress(path))
      const told = answer.body === undefined ? answer.text : JSON.stringify(answer.body)
      return { status, headers, body: told === undefined ? undefined : (JSON.parse(told) as Json) }
    } catch (error) {
      if (!(error instanceof ArmError) || error instanceof Unavailable) throw error
      const { correlationId } = asked
      const { status, headers = {}, body } = errorAnswer(error, correlationId)
      // What `errorAnswer` makes is JSON.
      const told = body as Json
      const refused = { caller, correlationId, address: undefined, body: hide(told) }
      const wanted = { asked: { action: method, scope: path }, allowed: allowed() }
      tellRefused(shared.refusals, { ...refused, ...wanted }, error)
      return { status, headers, body: told }
    }
  }
  return send
}
