import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { limits } from '../../src/domain/limits.ts'
import { openBrowser } from '../support/browser.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { password, refusal, useSignIn } from '../support/sign-in.ts'

const { vitrine, authority, newPerson, post, authorizeUrl, deviceCode, confirm } = useSignIn()

describe('guesses', () => {
  it('of a secret are counted and blocked wherever it is asked for, and block no other program', async () => {
    // Of one that there is each guess costs a hash, and is answered alike.
    const [robot, other] = [randomUUID(), (await openOtherCaller(vitrine(), [])).clientId]
    const form = (client_id: string) => ({
      ...{ client_id, client_secret: 'guessed', grant_type: 'client_credentials', token: 'x' },
      scope: `${vitrine().url}/.default`,
    })
    const statusOf = async (path: string, clientId: string) => {
      const answer = await post(path, form(clientId))
      await answer.body?.cancel()
      return answer.status
    }
    const paths = [
      '/oauth2/v2.0/token',
      '/oauth2/token',
      '/oauth2/v2.0/devicecode',
      '/oauth2/v2.0/revoke',
    ]
    const statuses: number[] = []
    for (let at = 0; at < limits.secretTriesOfClientMax; at += 1) {
      statuses.push(await statusOf(paths[at % paths.length] ?? '', robot))
    }
    expect(statuses.every((status) => status === 401)).toBe(true)
    for (const path of paths) {
      expect(await refusal(post(path, form(robot)))).toEqual([429, 'invalid_grant', 50053])
      expect(await statusOf(path, other)).toBe(401)
    }
  })

  it('of a code are counted whatever else is sent, and codes that there are are not', async () => {
    const browser = openBrowser(vitrine().url)
    let page = await browser.ask(`${authority()}/device`)
    for (let at = 1; at < limits.signinTriesOfNetworkMax; at += 1) {
      const sent = { user_code: 'BBBB-BBBB', ...(at % 2 === 0 && { confirm: 'yes' }) }
      page = await browser.submit(page, sent)
      expect([page.status, page.text]).toEqual([404, expect.stringContaining('no such code')])
    }
    expect((await confirm(await deviceCode())).text).toContain('You are signed in')
    await browser.submit(page, { user_code: 'BBBB-BBBB', confirm: 'yes' })
    const { user_code } = await deviceCode()
    for (const how of [{}, { confirm: 'yes' }, { abort: 'yes' }]) {
      expect((await browser.submit(page, { user_code, ...how })).status).toBe(429)
    }
    const signIn = await browser.ask(authorizeUrl('v'.repeat(43)))
    const form = { name: (await newPerson()).name, password, do: 'sign-in' }
    expect((await browser.submit(signIn, form)).url).toContain('code=')
  })
})
