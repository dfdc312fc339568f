import { randomUUID } from 'node:crypto'
import { request as httpsRequest } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { noise } from '../support/noise.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const authorization = 'providers/Microsoft.Authorization'

describe('attacks', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let reader: OtherCaller
  let galleryId: string
  let definitionId: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    galleryId = owner.idOf(`galleries/${gallery}`)
    definitionId = `${galleryId}/images/${definition}`
    // May read one definition, and nothing beside or above it.
    reader = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: definitionId },
    ])
  })
  afterAll(() => vitrine.close())

  /** As it is written, past all that would tidy it up: `fetch` resolves dots and encodes what it likes. */
  function raw(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; text: string }> {
    const { hostname, port } = new URL(vitrine.url)
    return new Promise((resolve, reject) => {
      const options = { hostname, port, method, path, headers, rejectUnauthorized: false }
      const sent = httpsRequest(options, (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() })
        })
      })
      sent.on('error', reject)
      sent.end()
    })
  }

  describe('by path', () => {
    const api = 'api-version=2024-03-03'
    it.each([
      ['parents by dots', () => `${definitionId}/../..`],
      ['parents by encoded dots', () => `${definitionId}/%2e%2e/%2e%2e`],
      ['parents by dots and encoded slashes', () => `${definitionId}%2f..%2f..`],
      ['parents by doubly encoded slashes', () => `${definitionId}%252f..%252f..`],
      ['a backslash', () => `${definitionId}\\..\\..`],
      ['an encoded backslash', () => `${definitionId}%5c..%5c..`],
      ['an encoded slash at the end of the gallery', () => `${galleryId}%2f`],
      ['two slashes', () => galleryId.replace('/providers', '//providers')],
      ['a slash at the end', () => `${galleryId}/`],
      ['other case', () => galleryId.toUpperCase()],
      ['a dot at the end', () => `${galleryId}.`],
      ['a dot as a segment', () => `${galleryId}/.`],
      ['a space at the end', () => `${galleryId}%20`],
      ['a NUL', () => `${galleryId}%00`],
      ['a NUL and what is allowed behind it', () => `${galleryId}%00${definitionId}`],
      ['a semicolon', () => `${galleryId};/images/${definition}`],
      ['a fragment', () => `${galleryId}%23/images/${definition}`],
      ['a question mark in the path', () => `${galleryId}%3f/images/${definition}`],
      ['letters that look alike', () => galleryId.replace('myGallery', 'my\u{ff27}allery')],
      ['a letter that lower-cases to ours', () => galleryId.replace('k', '\u{212a}')],
      ['an overlong encoding of a slash', () => `${definitionId}%c0%af..%c0%af..`],
      ['another host in the target', () => `//evil.test${galleryId}`],
      ['a whole URL as target', () => `https://evil.test${galleryId}`],
      ['a matrix of slashes', () => `${galleryId}${'/'.repeat(2_000)}`],
      ['a very long name', () => `${galleryId}/images/${'x'.repeat(8_000)}`],
    ])('%s does not reach what the caller may not read', async (_what, pathOf) => {
      const path = encodeOdd(pathOf())
      const { authorization: token = '' } = reader.headers
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        const { status, text } = await raw(method, `${path}?${api}`, { authorization: token })
        expect([400, 401, 403, 404, 405, 413, 414, 431]).toContain(status)
        expect(text).not.toContain('provisioningState')
        expect(text).not.toMatch(/\bat .*\.ts:\d+/)
      }
      expect((await owner.get(galleryId)).status).toBe(200)
    })

    /** Node sends Latin-1 at most. */
    function encodeOdd(path: string): string {
      return path.replace(/[^\x20-\x7e]/gu, (one) => encodeURIComponent(one))
    }

    it('a method cannot be told by a header', async () => {
      const names = ['x-http-method-override', 'x-http-method', 'x-method-override', '_method']
      for (const name of names) {
        const headers = { [name]: 'DELETE', authorization: `Bearer ${vitrine.token}` }
        await raw('GET', `${definitionId}?${api}`, headers)
        await raw('POST', `${definitionId}?${api}&_method=DELETE`, headers)
      }
      expect((await owner.get(definitionId)).status).toBe(200)
    })

    it('headers that proxies and Azure’s own services send change nobody’s rights', async () => {
      for (const headers of [
        { 'x-ms-client-principal-id': 'owner', 'x-ms-client-object-id': 'owner' },
        { 'x-original-url': galleryId, 'x-rewrite-url': galleryId },
        { 'x-forwarded-host': 'evil.test', 'x-forwarded-for': '127.0.0.1' },
        { 'x-ms-arm-signed-user-token': `Bearer ${vitrine.token}`, 'x-ms-home-tenant-id': 'x' },
        { 'x-ms-authorization-auxiliary': 'Bearer nothing' },
      ]) {
        const answer = await reader.ask('GET', galleryId, { headers })
        expect([401, 403], JSON.stringify(headers)).toContain(answer.status)
      }
      const told = await owner.ask(
        'GET',
        `${owner.groupPath}/providers/Microsoft.Compute/galleries`,
        {
          headers: { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'http' },
        },
      )
      expect(JSON.stringify(told.body)).not.toContain('evil.test')
    })
  })

  describe('on signed URLs of disks', () => {
    it('nothing of the URL can be changed, and it dies with its access', async () => {
      await owner.upload('signed', noise(3, 1024 * 1024))
      const url = new URL(await owner.grant('signed', 'Read'))
      const statusOf = async (change: (changed: URL) => void, init: RequestInit = {}) => {
        const changed = new URL(url)
        change(changed)
        const answer = await fetch(changed, init)
        await answer.body?.cancel()
        return answer.status
      }
      const nothing = () => undefined
      expect(await statusOf(nothing)).toBe(200)
      const signature = url.searchParams.get('sig') ?? ''
      for (const wrong of [
        signature.slice(0, -1),
        `${signature}A`,
        signature.toUpperCase(),
        '',
        `${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'A'}`,
      ]) {
        expect(await statusOf(({ searchParams }) => searchParams.set('sig', wrong))).toBe(403)
      }
      const other = randomUUID()
      const grant = url.pathname.split('/')[2] ?? ''
      const swapped = (changed: URL) => {
        changed.pathname = changed.pathname.replace(grant, other)
      }
      expect(await statusOf(swapped)).toBe(403)
      const asImage = (changed: URL) => {
        changed.pathname = `/vm-images/${grant}/disk.vhd`
      }
      expect(await statusOf(asImage)).toBe(403)
      const page = { 'x-ms-page-write': 'update', 'x-ms-range': 'bytes=0-511' }
      const write = { method: 'PUT', headers: page, body: Buffer.alloc(512) }
      const asPage = ({ searchParams }: URL) => searchParams.set('comp', 'page')
      expect(await statusOf(asPage, write)).toBe(403)
      for (const method of ['DELETE', 'POST', 'PATCH']) {
        expect(await statusOf(nothing, { method })).toBe(405)
      }
      const bearer = { headers: { authorization: `Bearer ${vitrine.token}` } }
      expect(await statusOf(({ searchParams }) => searchParams.delete('sig'), bearer)).toBe(403)
      await owner.revoke('signed')
      expect(await statusOf(nothing)).toBe(403)
    })
  })

  describe('to gain rights', () => {
    const roleAt = (scope: string, kind = 'roleAssignments') =>
      `${scope}/${authorization}/${kind}/${randomUUID()}`
    const give = (roleId: string, principalId: string) => ({
      properties: {
        roleDefinitionId: `/${authorization}/roleDefinitions/${roleId}`,
        principalId,
      },
    })

    it('who may give roles at a group gives none above it, nor widens a role of his own', async () => {
      const admin = await openOtherCaller(vitrine, [
        { roleId: builtInRoles.userAccessAdministrator.id, scope: owner.groupPath },
      ])
      const subscription = `/subscriptions/${vitrine.subscription}`
      for (const scope of ['', subscription, `${owner.groupPath}2`, `${owner.groupPath}/..`]) {
        const answer = await admin.put(roleAt(scope), give(builtInRoles.owner.id, admin.objectId))
        expect([400, 403, 404], scope).toContain(answer.status)
      }
      const wide = {
        properties: {
          roleName: `all ${randomUUID()}`,
          permissions: [{ actions: ['*'], dataActions: ['*'] }],
          assignableScopes: [subscription],
        },
      }
      expect((await admin.put(roleAt(owner.groupPath, 'roleDefinitions'), wide)).status).toBe(403)
    })

    it('a role that somebody has is not widened by who may only write roles below', async () => {
      const subscription = `/subscriptions/${vitrine.subscription}`
      const path = roleAt(subscription, 'roleDefinitions')
      const narrow = {
        roleName: `narrow ${randomUUID()}`,
        permissions: [{ actions: ['Microsoft.Compute/disks/read'] }],
        assignableScopes: [subscription],
      }
      expect((await owner.put(path, { properties: narrow })).status).toBe(201)
      const writer = await openOtherCaller(vitrine, [
        { roleId: builtInRoles.userAccessAdministrator.id, scope: owner.groupPath },
        { roleId: path.split('/').at(-1) ?? '', scope: subscription },
      ])
      const wide = { ...narrow, permissions: [{ actions: ['*'] }] }
      const below = path.replace(subscription, owner.groupPath)
      const moved = { ...wide, assignableScopes: [owner.groupPath] }
      for (const [at, properties] of [
        [path, wide],
        [below, wide],
        [below, moved],
      ] as const) {
        expect((await writer.put(at, { properties })).status).toBe(403)
      }
    })

    it('who writes the directory does not become an owner by a group, a secret or a password', async () => {
      // Writes everything but roles, the directory too.
      const clerk = await openOtherCaller(vitrine, [
        { roleId: builtInRoles.contributor.id, scope: '/' },
      ])
      const graph = (method: string, path: string, body: unknown, by: Arm = clerk) =>
        by.ask(method, `/graph/v1.0/${path}`, { body })
      const made = await graph('POST', 'groups', {
        ...{ displayName: 'owners', mailEnabled: false, mailNickname: 'o', securityEnabled: true },
      })
      expect(made.status).toBe(201)
      const group = String(made.body.id)
      expect((await owner.put(roleAt(''), give(builtInRoles.owner.id, group))).status).toBe(201)
      const me = { '@odata.id': `${vitrine.url}/graph/v1.0/directoryObjects/${clerk.objectId}` }
      expect((await graph('POST', `groups/${group}/members/$ref`, me)).status).toBe(403)
      const { owner: first } = vitrine.installation
      const secret = await graph('POST', `applications/${first?.clientId}/addPassword`, {})
      expect(secret.status).toBe(403)
      const name = `boss-${randomUUID()}@example.test`
      const user = await graph(
        'POST',
        'users',
        {
          ...{ accountEnabled: true, displayName: 'Boss', mailNickname: 'b' },
          ...{ userPrincipalName: name, passwordProfile: { password: 'a good long password' } },
        },
        owner,
      )
      const boss = String(user.body.id)
      expect((await owner.put(roleAt(''), give(builtInRoles.owner.id, boss))).status).toBe(201)
      const password = { passwordProfile: { password: 'another long password' } }
      expect((await graph('PATCH', `users/${boss}`, password)).status).toBe(403)
    })

    it('an operation of somebody else is not there, and its URL gives no access', async () => {
      await owner.make('disks/polled', {
        ...west,
        properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
      })
      const began = await owner.ask('POST', 'disks/polled/beginGetAccess', {
        body: { access: 'Read', durationInSeconds: 60 },
      })
      const { pathname, search } = new URL(began.headers.get('azure-asyncoperation') ?? '')
      expect(await owner.ended(began)).toHaveProperty('properties.output.accessSAS')
      const stranger = await openOtherCaller(vitrine, [])
      const theirs = await stranger.get(`${pathname}${search}`)
      const never = await stranger.get(`${pathname.replace(/[^/]+$/, randomUUID())}${search}`)
      expect([theirs.status, errorOf(theirs).code]).toEqual([404, 'NotFound'])
      expect([never.status, errorOf(never).code]).toEqual([404, 'NotFound'])
      const sees = await openOtherCaller(vitrine, [
        { roleId: builtInRoles.reader.id, scope: owner.idOf('disks/polled') },
      ])
      const seen = await sees.get(`${pathname}${search}`)
      expect(seen.status).toBe(200)
      expect(valueAt(seen.body, 'properties.output')).toBeUndefined()
      await owner.revoke('polled')
    })

    it('who began an operation and may not read its resource any more is told how it ended, and not the resource', async () => {
      const maker = await openOtherCaller(vitrine, [
        { roleId: builtInRoles.contributor.id, scope: owner.groupPath },
      ])
      const disk = { creationData: { createOption: 'Empty' }, diskSizeGB: 1 }
      const began = await maker.put('disks/began', { ...west, properties: disk })
      expect(await maker.ended(began)).toHaveProperty('properties.output.name', 'began')
      const { directory } = vitrine.installation.store
      const [right] = await directory.assignments.heldBy({ principalId: maker.objectId })
      await owner.ask('DELETE', `${owner.groupPath}/${authorization}/roleAssignments/${right?.id}`)
      expect((await maker.get('disks/began')).status).toBe(403)
      for (const name of ['azure-asyncoperation', 'location']) {
        const { pathname, search } = new URL(began.headers.get(name) ?? '')
        const polled = await maker.get(`${pathname}${search}`)
        expect(polled.status).toBe(200)
        expect(JSON.stringify(polled.body)).not.toMatch(/output|diskSizeGB|began"/)
      }
    })
  })
})
