import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { apiVersions } from '../../src/api/arm/authorization.ts'
import { extensionViews } from '../../src/api/arm/extension.ts'
import { isWithin, keyOf } from '../../src/domain/resource-id.ts'
import { resourceTypes } from '../../src/resources/types.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { inTurns } from '../support/in-turns.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import {
  actionRows,
  addressRows,
  authorizationRows,
  letters,
  openToAll,
  type Row,
  viewRows,
} from '../support/route-table.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const rows: readonly Row[] = Object.values(addressRows).flat()
const roleNames = Object.keys(letters) as (keyof typeof builtInRoles)[]
/** Whoever holds a role below it sees it, too. */
const seenFromBelow = 'GET {sub}'
const siblings = ['otherRg', 'otherGallery', 'otherDefinition', 'otherVersion']

describe('the table of routes', () => {
  it('has every resource type with every verb, action, view and kind that the code serves', () => {
    const asked = rows.map(([ask]) => ask)
    for (const { type } of resourceTypes) {
      const action = type.replace('Microsoft.Resources/', 'Microsoft.Resources/subscriptions/')
      for (const verb of ['read', 'write', 'delete']) {
        const named = rows.some(([, name]) => name === `${action}/${verb}`)
        expect(named, `${type} ${verb}`).toBe(true)
      }
    }
    const actions = resourceTypes.flatMap(({ type, actions = {} }) =>
      Object.keys(actions).map((name) => `${type} ${name}`),
    )
    expect(Object.keys(actionRows).toSorted()).toEqual(actions.toSorted())
    expect(Object.keys(viewRows).toSorted()).toEqual(Object.keys(extensionViews).toSorted())
    expect(Object.keys(authorizationRows).toSorted()).toEqual(Object.keys(apiVersions).toSorted())
    expect(new Set(asked).size).toBe(asked.length)
  })
})

/** Where no other is taken; left out, what `openArm` says. */
function versionOf(path: string): string | undefined {
  if (/Gallery(Subscriptions|ies)\//.test(path) && path.includes('/locations/')) return '2025-12-03'
  if (path.includes('Microsoft.Insights')) return '2015-04-01'
  return /Microsoft\.Storage\//.test(path) ? '2023-01-01' : undefined
}

describe('routes, roles and scopes', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let other: OtherCaller
  const places: Record<string, string> = {}
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    await makeSiblings()
    other = await openOtherCaller(vitrine, [])
  })
  afterAll(() => vitrine.close())

  /** Beside each place another one of its kind; versions as rows alone, since nobody reads their bytes. */
  async function makeSiblings(): Promise<void> {
    const galleryId = owner.idOf(`galleries/${gallery}`)
    const definitionId = `${galleryId}/images/${definition}`
    Object.assign(places, {
      sub: `/subscriptions/${vitrine.subscription}`,
      rg: owner.groupPath,
      gallery: galleryId,
      definition: definitionId,
      version: `${definitionId}/versions/1.0.0`,
      otherRg: `${owner.groupPath}2`,
      otherGallery: `${galleryId}2`,
      otherDefinition: `${definitionId}2`,
      otherVersion: `${definitionId}/versions/1.0.1`,
      disk: owner.idOf('disks/d'),
      snapshot: owner.idOf('snapshots/s'),
      image: owner.idOf('images/i'),
      account: `${owner.groupPath}/providers/Microsoft.Storage/storageAccounts/account1`,
      container: `${owner.groupPath}/providers/Microsoft.Storage/storageAccounts/account1/blobServices/default/containers/c1`,
      guid: randomUUID(),
    })
    const { store } = vitrine.installation
    const copies = [
      ['rg', 'otherRg'],
      ['gallery', 'otherGallery'],
      ['definition', 'otherDefinition'],
      ['definition', 'version'],
      ['definition', 'otherVersion'],
    ] as const
    for (const [from, to] of copies) {
      const row = await store.read.resources.get(keyOf(places[from] ?? ''))
      const id = places[to] ?? ''
      if (!row) throw new Error(`${from} is there`)
      const type = to.endsWith('ersion') ? `${row.type}/versions` : row.type
      const parent = to.endsWith('ersion') ? { parentKey: row.key } : {}
      const name = id.split('/').at(-1) ?? ''
      const copy = { ...row, ...parent, id, key: keyOf(id), type, name, nameSort: name }
      await store.write(({ resources }) => resources.insert(copy))
    }
  }

  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (_, name) => places[name] ?? name)

  /** Bodies and tags that no rule takes: whoever is allowed is refused for another reason, and nothing changes. */
  function ask([said]: Row, arm: Arm = other): Promise<Answer> {
    const [method = '', path = ''] = said.split(' ')
    const headers = { 'if-match': '"none"' }
    const asks = filled(path)
    const region = { region: 'nowhere' }
    const hasBody = ['PUT', 'PATCH', 'POST'].includes(method)
    const api = versionOf(asks)
    const body = path.endsWith('/verify') ? region : {}
    return arm.ask(method, asks, { ...(api && { api }), headers, ...(hasBody && { body }) })
  }

  const isRefused = ({ status }: Answer) => status === 403

  async function give(roleId: string, scope: string): Promise<string> {
    const path = `${scope === '/' ? '' : scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`
    const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${roleId}`
    const properties = { roleDefinitionId, principalId: other.objectId }
    const { status } = await owner.put(path, { properties })
    expect(status).toBe(201)
    return path
  }

  it('who has nothing is told the action and the scope of the table, whatever there is', async () => {
    for (const row of rows) {
      const [asked, action, , at] = row
      const answer = await ask(row)
      if (action === openToAll) {
        expect([asked, isRefused(answer)]).toEqual([asked, false])
        continue
      }
      // Its answer has no body.
      if (asked.startsWith('HEAD ')) {
        expect([asked, isRefused(answer)]).toEqual([asked, true])
        continue
      }
      const { code, message } = errorOf(answer)
      const scope = filled(at ?? asked.split(' ')[1] ?? '')
      expect([asked, code, message]).toEqual([
        asked,
        'AuthorizationFailed',
        `The client '${other.clientId}' with object id '${other.objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
      ])
    }
  })

  it('R33 R87 R88 R93 each role allows at each scope what the table says, and nothing else', async () => {
    const wrong: string[] = []
    for (const name of roleNames) {
      for (const names of [
        ['/'],
        ['sub'],
        ['rg'],
        ['gallery'],
        ['definition'],
        ['version'],
        siblings,
      ]) {
        const scopes = names.map((place) => places[place] ?? '/')
        const given = await Promise.all(scopes.map((scope) => give(builtInRoles[name].id, scope)))
        await inTurns(rows, 8, async (row) => {
          const [asked, action, held, at] = row
          if (action === openToAll) return
          const target = keyOf(filled(at ?? asked.split(' ')[1] ?? ''))
          const isBelow = scopes.some(
            (scope) =>
              isWithin(target, keyOf(scope)) ||
              (asked === seenFromBelow && isWithin(keyOf(scope), target)),
          )
          const may = isBelow && held.includes(letters[name])
          const { status } = await ask(row)
          const isOdd = status === 401 || status === 429 || status >= 500
          if (isOdd || (status === 403) === may)
            wrong.push(`${name} at ${names}: ${asked} ${status}`)
        })
        await Promise.all(given.map((path) => owner.ask('DELETE', path)))
      }
    }
    expect(wrong).toEqual([])
  }, 240_000)
})
