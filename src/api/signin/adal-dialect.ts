import { z } from 'zod'

/**
 * Azure's first token endpoint, `/oauth2/token`, as ADAL and Go's autorest ask it (Packer, Terraform before 3, Az before 5): a
 * `resource` instead of a scope, and answers whose numbers are texts.
 */
export function adalForm(sent: URLSearchParams): URLSearchParams {
  const asked = new URLSearchParams(sent)
  const resource = sent.get('resource')
  if (sent.get('grant_type') === 'client_credentials' && resource !== null) {
    asked.delete('resource')
    asked.set('scope', `${resource}/.default`)
  }
  return asked
}

const TokenAnswer = z.looseObject({ access_token: z.string(), expires_in: z.number() })

/** `nowMs` counts from 1970. A refusal stays as it is. */
export function adalAnswer(body: unknown, sent: URLSearchParams, nowMs: number): unknown {
  const told = TokenAnswer.safeParse(body)
  if (!told.success) return body
  const nowS = Math.floor(nowMs / 1000)
  const { expires_in: forS, ...others } = told.data
  const times = {
    expires_in: forS,
    ext_expires_in: forS,
    expires_on: nowS + forS,
    not_before: nowS,
  }
  const texts = Object.entries(times).map(([name, seconds]) => [name, String(seconds)])
  return { ...others, ...Object.fromEntries(texts), resource: sent.get('resource') ?? '' }
}
