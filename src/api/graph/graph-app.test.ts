import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { group, registration, user } from '../../../test/support/people.ts'
import { openStoreAt } from '../../../test/support/store-at.ts'
import { untold } from '../../../test/support/untold.ts'
import { permissionsOf } from '../../access/permissions.ts'
import { openRateLimits } from '../../access/rate-limits.ts'
import type { Caller } from '../../domain/access.ts'
import { Unavailable } from '../../domain/errors.ts'
import type { Store } from '../../store/store.ts'
import { graphApp } from './graph-app.ts'

let store: Store
let caller: Caller
let fault: Error | undefined
const logged: unknown[] = []
beforeEach(async () => {
  fault = undefined
  store = await openStoreAt(':memory:')
})
afterEach(() => store.close())

function callerOf(principalId: string, kind: Caller['kind'] = 'User'): Caller {
  const nothing = permissionsOf([], () => undefined)
  return { principalId, tenantId: 't1', name: principalId, kind, ...nothing, mayLink: nothing.may }
}

async function get(path: string) {
  const app = graphApp({
    ...store.directory,
    tenantId: 't',
    world: { id: randomUUID, now: () => new Date(0) },
    principalsFor: () => store.directory,
    refusals: untold,
    tenantName: async () => 'Contoso',
    rates: openRateLimits({ timesAzure: 1, world: { now: () => new Date(0) } }),
    changing: (change) => change,
    freshSecret: () => 'secret',
    hashSecret: async () => 'hash',
    secretHint: () => 'abc',
    log: (event) => logged.push(event),
    authenticate: async () => {
      if (fault) throw fault
      return caller
    },
    challenge: () => 'Bearer',
    base: 'https://here/graph/v1.0',
  })
  const answer = await app.request(`/graph/v1.0/${path}`)
  const body = JSON.parse(await answer.text())
  return { status: answer.status, body, ids: body.value?.map(({ id }: { id: string }) => id) }
}

/** Ann is in the inner group, which is in the outer one; Bob and the third group are strangers to her. */
async function people(ann: Parameters<typeof user>[0]): Promise<void> {
  const { users, groups, members, registrations } = store.directory
  await users.put(user(ann), '')
  await users.put(user({ id: 'bob' }), '')
  for (const id of ['inner', 'outer', 'third']) await groups.put(group({ id }))
  await members.add('outer', 'inner')
  await members.add('inner', 'ann')
  await members.add('inner', 'bob')
  await registrations.put(registration('c1'), '')
  caller = callerOf('ann')
}

it('a guest sees himself and the groups that he is in, and nothing else', async () => {
  await people({ id: 'ann', kind: 'Guest' })
  expect((await get('me')).body).toMatchObject({ id: 'ann', userType: 'Guest' })
  expect((await get('users')).ids).toEqual(['ann'])
  expect((await get('groups')).ids).toEqual(['inner', 'outer'])
  expect((await get('groups/inner/members')).ids).toEqual(['ann'])
  expect((await get('me/memberOf')).ids).toEqual(['inner'])
  expect((await get('me/transitiveMemberOf')).ids).toEqual(['inner', 'outer'])
  expect((await get('servicePrincipals')).ids).toEqual([])
  expect((await get('applications')).ids).toEqual([])
  const unseen = [
    ...['users/bob', 'users/bob@example.test', 'users/bob/memberOf', 'groups/third'],
    ...['groups/third/members', 'servicePrincipals/o-c1', 'applications/c1'],
    'directoryObjects/bob',
  ]
  for (const path of unseen) {
    const { status, body } = await get(path)
    expect([status, body.error.code], path).toEqual([404, 'Request_ResourceNotFound'])
  }
})

it('what a guest may not see is refused as what is not there', async () => {
  await people({ id: 'ann', kind: 'Guest' })
  const told = async (path: string) => (await get(path)).body.error.message
  const hidden = await told('users/bob')
  expect(hidden.replaceAll('bob', 'x')).toBe((await told('users/nobody')).replaceAll('nobody', 'x'))
})

it('a member sees all of it', async () => {
  await people({ id: 'ann' })
  expect((await get('users')).ids).toEqual(['ann', 'bob'])
  expect((await get('groups')).ids).toEqual(['inner', 'outer', 'third'])
  expect((await get('groups/inner/members')).ids).toEqual(['ann', 'bob'])
  expect((await get('servicePrincipals')).ids).toEqual(['o-c1'])
  expect((await get('users?$select=mail')).body.value[0]).toEqual({ id: 'ann', mail: null })
})

it('who is disabled, or not of the directory, sees nothing, whatever his token says', async () => {
  await people({ id: 'ann', isEnabled: false })
  for (const one of [caller, callerOf('stranger'), callerOf('stranger', 'Application')]) {
    caller = one
    const { status, body } = await get('users')
    expect([status, body.error.code]).toEqual([403, 'Authorization_RequestDenied'])
  }
})

it('what is ours or the world’s tells no detail, and is logged under the id that is told', async () => {
  fault = new Unavailable('disk /secret/place is away')
  const away = await get('users')
  expect([away.status, away.body.error.code]).toEqual([503, 'Service_ServiceUnavailable'])
  fault = new Error('secret detail')
  const broken = await get('users')
  expect([broken.status, broken.body.error.code]).toEqual([500, 'Service_InternalServerError'])
  expect(JSON.stringify([away.body, broken.body])).not.toContain('secret')
  const requestId = broken.body.error.innerError['request-id']
  expect(logged).toContainEqual(expect.objectContaining({ event: 'graph-broken', requestId }))
})
