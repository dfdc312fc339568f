import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { openArm } from '../support/arm.ts'
import { openGraph } from '../support/graph.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

describe('a token that was given before', () => {
  let vitrine: TestInstallation
  let graph: ReturnType<typeof openGraph>['graph']
  let groupPath: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    ;({ graph } = openGraph(vitrine))
    const owner = openArm(vitrine)
    ;({ groupPath } = owner)
    expect((await owner.put(groupPath, { location: 'westeurope' })).status).toBe(201)
  })
  afterAll(() => vitrine.close())

  const reader = async () => {
    const caller = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: groupPath },
    ])
    const status = async () => (await caller.get(groupPath)).status
    expect(await status()).toBe(200)
    return { ...caller, status }
  }

  it('opens nothing from the instant on that its principal is disabled, and again when it is enabled', async () => {
    const { objectId, status } = await reader()
    const path = `servicePrincipals/${objectId}`
    expect((await graph('PATCH', path, { accountEnabled: false })).status).toBe(204)
    expect(await status()).toBe(403)
    expect((await graph('PATCH', path, { accountEnabled: true })).status).toBe(204)
    expect(await status()).toBe(200)
  })

  it('is good until it ends when only the secret is removed that it was got with', async () => {
    const { clientId, status, tokenFor } = await reader()
    const held = await graph('GET', `applications/${clientId}`)
    const [{ keyId }] = held.body.passwordCredentials
    const removed = await graph('POST', `applications/${clientId}/removePassword`, { keyId })
    expect(removed.status).toBe(204)
    expect(await status()).toBe(200)
    // No token comes any more: what is answered has none.
    expect(await tokenFor(vitrine.url)).toBe('undefined')
  })

  it('opens nothing when its principal is gone, nor when one of the same name has come', async () => {
    const { clientId, objectId, status } = await reader()
    expect((await graph('DELETE', `applications/${clientId}`)).status).toBe(204)
    expect(await status()).toBe(403)
    const sent = { displayName: 'another application', appId: clientId, id: clientId }
    const app = await graph('POST', 'applications', sent)
    expect(app.body.appId).not.toBe(clientId)
    const again = { appId: app.body.appId, id: objectId }
    const principal = await graph('POST', 'servicePrincipals', again)
    expect(principal.body.id).not.toBe(objectId)
    expect(await status()).toBe(403)
  })

  it('has nothing of what a principal had whose id comes again', async () => {
    const { clientId, objectId, status } = await reader()
    const { applications } = vitrine.installation.store.directory
    const before = await applications.get(clientId)
    if (!before) throw new Error('there it is')
    expect((await graph('DELETE', `applications/${clientId}`)).status).toBe(204)
    await applications.putIfAbsent({ ...before, clientId: objectId })
    expect(await status()).toBe(403)
  })
})
