import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { openBrowser } from './browser.ts'
import type { TestInstallation } from './test-installation.ts'

const client = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
const loopback = 'http://localhost:49152'
const Token = z.object({ access_token: z.string() })

/** Signs a person in at a tenant by the page, as Azure's command line would; undefined where that is refused. */
export async function tokenOfPerson(
  { url }: Pick<TestInstallation, 'url'>,
  told: { readonly tenantId: string; readonly name: string; readonly password: string },
  audience = url,
): Promise<string | undefined> {
  const verifier = randomBytes(32).toString('base64url')
  const authority = `${url}/${told.tenantId}/oauth2/v2.0`
  const scope = `${audience}/.default openid profile offline_access`
  const query = new URLSearchParams({
    ...{ client_id: client, scope, redirect_uri: loopback, response_type: 'code' },
    ...{ response_mode: 'query', code_challenge_method: 'S256', state: 's', client_info: '1' },
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  })
  const browser = openBrowser(url)
  const asked = await browser.ask(`${authority}/authorize?${query}`)
  const { name, password } = told
  const shown = await browser.submit(asked, { name, password, do: 'sign-in' })
  const code = new URL(shown.url).searchParams.get('code')
  if (code === null) return undefined
  const form = {
    ...{ client_id: client, grant_type: 'authorization_code', code, redirect_uri: loopback },
    ...{ code_verifier: verifier, scope, client_info: '1' },
  }
  const answer = await fetch(`${authority}/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return Token.parse(await answer.json()).access_token
}
