import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { blobOperations } from '../../src/api/blob/operations.ts'
import { graphRoutes } from '../../src/api/graph/routes.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { blobHolders, graphReads, graphWriters } from '../support/data-holders.ts'
import { inTurns } from '../support/in-turns.ts'
import { makeDefinition } from '../support/main-job.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { letters } from '../support/route-table.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const roleNames = Object.keys(letters) as (keyof typeof builtInRoles)[]

/** Of every blob operation of the code: method, what its path names, query, action. */
const operations = Object.entries(blobOperations).flatMap(([level, served]) =>
  Object.entries(served).map(([key, { action }]) => {
    const [method = '', ...words] = key.split(' ')
    const types = ['container', 'account', 'service']
    const restype = words.find((word) => types.includes(word))
    const component = words.find((word) => !types.includes(word))
    const query = new URLSearchParams({
      ...(restype && { restype }),
      ...(component && { comp: component }),
    })
    const names = { service: '', container: '/none', blob: '/none/blob', fromUrl: '/none/blob' }[
      level
    ]
    return { level, key, method, path: `${names ?? ''}?${query}`, action }
  }),
)

describe('roles on Graph and on blobs', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let other: OtherCaller
  let accountId: string
  let blobToken: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    accountId = (await makeAccount(vitrine, owner, 'account1')).id
    other = await openOtherCaller(vitrine, [])
    blobToken = await other.tokenFor('https://storage.azure.com')
  })
  afterAll(() => vitrine.close())

  async function withRole(
    name: keyof typeof builtInRoles,
    scope: string,
    act: () => Promise<void>,
  ) {
    const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`
    const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${builtInRoles[name].id}`
    const properties = { roleDefinitionId, principalId: other.objectId }
    expect((await owner.put(path, { properties })).status).toBe(201)
    await act()
    await owner.ask('DELETE', path)
  }

  async function graphStatus({ method, path }: (typeof graphRoutes)[number]): Promise<number> {
    const filled = path.replaceAll('*', randomUUID())
    const body = method === 'GET' || method === 'DELETE' ? undefined : {}
    const headers = { ...other.headers }
    const answer = await vitrine.call(method, `/graph/v1.0/${filled}`, body, headers)
    await answer.body?.cancel()
    return answer.status
  }

  it('each route of Graph that changes something takes a role at the root', async () => {
    const writes = graphRoutes.filter(
      ({ method, path }) => method !== 'GET' && !graphReads.has(`${method} ${path}`),
    )
    expect(writes.length).toBeGreaterThanOrEqual(20)
    const wrong: string[] = []
    for (const name of roleNames) {
      await withRole(name, '', () =>
        inTurns(writes, 4, async (route) => {
          const status = await graphStatus(route)
          const may = graphWriters.includes(letters[name])
          if ((status === 403) === may)
            wrong.push(`${name}: ${route.method} ${route.path} ${status}`)
        }),
      )
    }
    const below = `/subscriptions/${vitrine.subscription}`
    await withRole('owner', below, () =>
      inTurns(writes, 4, async (route) => {
        const status = await graphStatus(route)
        if (status !== 403) wrong.push(`below: ${route.method} ${route.path} ${status}`)
      }),
    )
    expect(wrong).toEqual([])
  }, 120_000)

  it('each operation on blobs takes the role that the table says', async () => {
    expect(new Set(operations.map(({ action }) => action))).toEqual(
      new Set(Object.keys(blobHolders)),
    )
    const authorization = `Bearer ${blobToken}`
    const asking = { authorization, 'x-ms-version': '2023-11-03', 'x-ms-blob-type': 'BlockBlob' }
    const source = { 'x-ms-copy-source': 'https://nobody.test/a/b' }
    const wrong: string[] = []
    for (const name of roleNames) {
      await withRole(name, accountId, () =>
        inTurns(operations, 4, async ({ level, key, method, path, action }) => {
          const headers = { ...asking, ...(level === 'fromUrl' && source) }
          const answer = await vitrine.call(method, `/account1${path}`, undefined, headers)
          await answer.body?.cancel()
          const may = blobHolders[action]?.includes(letters[name]) ?? false
          const isOdd = answer.status === 401 || answer.status >= 500
          const isRefused =
            answer.headers.get('x-ms-error-code') === 'AuthorizationPermissionMismatch'
          if (isOdd || isRefused === may) wrong.push(`${name}: ${level} ${key} ${answer.status}`)
        }),
      )
    }
    expect(wrong).toEqual([])
  }, 120_000)
})
