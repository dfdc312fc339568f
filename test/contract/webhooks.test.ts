import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tenantScope } from '../../src/domain/event-subscriptions.ts'
import { portOf } from '../../src/listen.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { makeTenant } from '../support/made-tenant.ts'
import { setLimits } from '../support/set-limits.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const hooks = '/providers/Vitrine.Gallery/eventSubscriptions'
const west = { location: 'westeurope' }
const secret = 'a secret of many letters'
/** Where nothing listens. */
const nobody = 'http://127.0.0.1:9'

type Received = {
  readonly body: string
  readonly signature: string | undefined
  readonly path: string | undefined
  readonly origin: string | undefined
}

describe('B20 webhooks', () => {
  let server: Server
  let endpoint: string
  let status = 200
  const received: Received[] = []
  const asked: { from: unknown; path: string | undefined }[] = []
  /** What some paths answer to who asks whether they take events. */
  const consents: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    '/silent': { allow: 'OPTIONS, POST' },
    '/others': { 'webhook-allowed-origin': 'eventgrid.azure.net' },
    '/ours': { 'webhook-allowed-origin': '127.0.0.1', 'webhook-allowed-rate': '*' },
  }
  /** Requests that are held, until the sender ends them. */
  const hanging = new Set<ServerResponse>()
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = ''
      for await (const piece of request.setEncoding('utf8')) body += piece
      if (request.method === 'OPTIONS') {
        asked.push({ from: request.headers['webhook-request-origin'], path: request.url })
        response.writeHead(200, consents[request.url ?? ''] ?? { 'webhook-allowed-origin': '*' })
        response.end()
        return
      }
      if (request.url === '/hanging') {
        hanging.add(response)
        response.on('close', () => hanging.delete(response))
        return
      }
      const signature = request.headers['x-vitrine-signature']?.toString()
      received.push({ body, signature, path: request.url, origin: request.headers.origin })
      response.writeHead(status).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    endpoint = `http://127.0.0.1:${portOf(server)}`
    vitrine = await openTestInstallation({ config: { events: { hosts: [endpoint, nobody] } } })
    arm = openArm(vitrine)
    await arm.make(`${arm.groupPath}?api-version=2021-04-01`, west)
  })
  afterAll(async () => {
    await vitrine.close()
    server.close()
  })

  const subscribe = (name: string, properties: object) =>
    arm.put(`${arm.groupPath}${hooks}/${name}`, { properties })
  const show = async (name: string) => (await arm.get(`${arm.groupPath}${hooks}/${name}`)).body
  const eventsIn = ({ body }: { body: string }): { type: string; id: string; subject: string }[] =>
    JSON.parse(body)
  const until = async (isSo: () => boolean | Promise<boolean>) => {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 25))
  }

  it('are told what happens from then on, signed, in its order; the secret is never shown', async () => {
    await arm.make('galleries/before', west)
    const made = await subscribe('all', { endpoint: `${endpoint}/all`, secret })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      ...{ name: 'all', type: 'Vitrine.Gallery/eventSubscriptions' },
      properties: { endpoint, hasSecret: true, state: 'Active' },
    })
    await arm.make('galleries/one', west)
    await arm.make('galleries/two', west)
    await arm.remove('galleries/one')
    await until(() => received.flatMap(eventsIn).length >= 3)
    expect(received.flatMap(eventsIn).map(({ type, subject }) => [type, subject])).toEqual([
      ['Vitrine.Gallery.Gallery.Created', arm.idOf('galleries/one')],
      ['Vitrine.Gallery.Gallery.Created', arm.idOf('galleries/two')],
      ['Vitrine.Gallery.Gallery.Deleted', arm.idOf('galleries/one')],
    ])
    for (const { body, signature, path, origin } of received) {
      expect([path, origin]).toEqual(['/all', '127.0.0.1'])
      const hmac = createHmac('sha256', secret).update(body).digest('hex')
      expect(signature).toBe(`sha256=${hmac}`)
    }
    expect(JSON.stringify([made.body, await show('all')])).not.toContain(secret)
    const { body } = await arm.get(`${arm.groupPath}${hooks}`)
    expect(body.value).toMatchObject([{ name: 'all' }])
    expect((await arm.ask('DELETE', `${arm.groupPath}${hooks}/all`)).status).toBe(200)
    expect((await arm.ask('DELETE', `${arm.groupPath}${hooks}/all`)).status).toBe(204)
  })

  it('are as many as the limit says, however many are made at once', async () => {
    setLimits({ eventSubscriptionsMax: 3 })
    const names = Array.from({ length: 8 }, (_, at) => `racer${at}`)
    const answers = await Promise.all(names.map((name) => subscribe(name, { endpoint })))
    const refused = answers.filter(({ status }) => status !== 201)
    expect(refused).toHaveLength(5)
    expect(new Set(refused.map((answer) => errorOf(answer).code))).toEqual(
      new Set(['QuotaExceeded']),
    )
    for (const name of names) await arm.ask('DELETE', `${arm.groupPath}${hooks}/${name}`)
  })

  it('that fail are tried again with the same ids, and say why meanwhile; types and subjects narrow them', async () => {
    received.length = 0
    status = 500
    const properties = {
      endpoint,
      types: ['Vitrine.Gallery.Gallery.Updated', 'disk.begingetaccess'],
      subjectBeginsWith: arm.idOf('galleries/TWO'),
    }
    const made = await subscribe('some', properties)
    const types = ['Vitrine.Gallery.Gallery.Updated', 'Vitrine.Gallery.Disk.BeginGetAccess']
    expect([made.status, made.body]).toMatchObject([201, { properties: { types } }])
    await arm.make('galleries/three', west)
    await arm.make('galleries/two', { ...west, properties: { description: 'newer' } })
    await until(async () => JSON.stringify(await show('some')).includes('answered 500'))
    expect(await show('some')).toMatchObject({ properties: { state: 'Active' } })
    status = 200
    await until(() => received.length >= 2)
    const [first, second] = received.map(eventsIn)
    expect(second).toEqual(first)
    expect(second).toMatchObject([{ type: 'Vitrine.Gallery.Gallery.Updated' }])
    await until(async () => !JSON.stringify(await show('some')).includes('reason'))
    // Given up, it waits until somebody asks for it again; then nothing is missing.
    const { store } = vitrine.installation
    const [row] = await store.read.eventSubscriptions.active('', 9)
    if (!row) throw new Error('it is there')
    const dead = { ...row, state: 'Dead', reason: 'The endpoint answered 500.' } as const
    await store.write((rows) => rows.eventSubscriptions.put(dead))
    await arm.make('galleries/two', { ...west, properties: { description: 'newest' } })
    const again = await arm.ask('POST', `${arm.groupPath}${hooks}/some/deliver`)
    expect(again.body).toMatchObject({ properties: { state: 'Active', attempts: 0 } })
    await until(() => received.length >= 3)
    expect(received).toHaveLength(3)
  })

  it('that hang hold up nobody else: another is told while the first has not answered', async () => {
    const types = ['Vitrine.Gallery.Gallery.Created']
    const hangs = { endpoint: `${endpoint}/hanging`, types }
    expect((await subscribe('a-hanging', hangs)).status).toBe(201)
    expect((await subscribe('b-good', { endpoint: `${endpoint}/good`, types })).status).toBe(201)
    // On a machine that is so slow that the request has ended meanwhile, it is seen with a later one.
    for (let turn = 0, isSeen = false; !isSeen; turn++) {
      await arm.make(`galleries/held${turn}`, west)
      await until(() => hanging.size > 0)
      const [held] = hanging
      await arm.make(`galleries/told${turn}`, west)
      await until(() => received.some(({ body }) => body.includes(`/told${turn}"`)))
      isSeen = held !== undefined && hanging.has(held)
    }
    expect(await show('b-good')).toMatchObject({ properties: { state: 'Active', attempts: 0 } })
    for (const name of ['a-hanging', 'b-good'])
      await arm.ask('DELETE', `${arm.groupPath}${hooks}/${name}`)
  })

  it('go only where the endpoint agrees, as CloudEvents has it: it is asked when it is named', async () => {
    const put = (path: string) => subscribe('asked', { endpoint: `${endpoint}${path}` })
    asked.length = 0
    for (const [path, why] of [
      ['/silent', 'It answered OPTIONS with 200 and no header WebHook-Allowed-Origin.'],
      ['/others', 'with 200 and another value of the header WebHook-Allowed-Origin.'],
    ] as const) {
      const answer = await put(path)
      expect([answer.status, errorOf(answer)]).toMatchObject([
        400,
        { code: 'InvalidParameter', target: 'properties.endpoint' },
      ])
      const { message } = errorOf(answer)
      const words = `The attempt to validate the provided endpoint '${endpoint}' failed.`
      expect(String(message)).toContain(words)
      expect(String(message)).toContain(why)
    }
    const unheard = errorOf(await subscribe('asked', { endpoint: `${nobody}/x` }))
    expect(unheard.message).toContain(`The endpoint '${nobody}' cannot be read: ECONNREFUSED.`)
    expect(asked).toEqual(['/silent', '/others'].map((path) => ({ from: '127.0.0.1', path })))
    expect((await arm.get(`${arm.groupPath}${hooks}/asked`)).status).toBe(404)
    expect((await put('/ours')).status).toBe(201)
    // Whoever agreed is not asked again, in whichever way he is named; another one is, and nothing changes until he agrees.
    for (const same of ['/ours', '']) expect((await put(same)).status).toBe(200)
    expect(asked.splice(0).map(({ path }) => path)).toEqual(['/silent', '/others', '/ours'])
    expect((await put('/silent')).status).toBe(400)
    received.length = 0
    await arm.make('galleries/agreed', west)
    await until(() => received.length > 0)
    expect(received).toMatchObject([{ path: '/ours' }])
    await arm.ask('DELETE', `${arm.groupPath}${hooks}/asked`)
  })

  it('go only where the operator allows it, and bad ones are refused', async () => {
    const wrong = [
      [
        { endpoint: 'https://elsewhere.example/x' },
        /sends nothing to 'elsewhere\.example'\. Its operator allows it with the setting events\.hosts/,
      ],
      [{ endpoint: 'http://127.0.0.1:1/' }, /setting events\.hosts/],
      [{ endpoint: 'file:///etc/passwd' }, /no URL/],
      [{ endpoint: `${endpoint.replace('//', '//user:word@')}` }, /user name/],
      [{ endpoint, secret: 'short' }, /secret/],
      [{ endpoint, types: 'all' }, /types/],
      [
        { endpoint, types: ['Gallery.Created', 'Vitrine.Gallery.ImageVersion.Publishd'] },
        /^'Vitrine\.Gallery\.ImageVersion\.Publishd' is no type of events \(properties\.types\[1\]\)\. Of ImageVersion there are: .*Moved.* Published,/,
      ],
      [{ endpoint, types: ['Gallery.Published'] }, /Of Gallery there are: .*, Share, /],
      [{ endpoint, types: ['Deployment.Verify'] }, /Of Deployment there are: .*, WhatIf, /],
      [{ endpoint, types: ['Gallery.VerifyFailed'] }, /Of Gallery there are: /],
      [{ endpoint, types: ['Version.Created'] }, /Write one of Gallery, ImageDefinition, /],
      [{}, /endpoint/],
    ] as const
    for (const [properties, message] of wrong) {
      const answer = await subscribe('wrong', properties)
      expect(answer.status).toBe(400)
      expect(errorOf(answer).message).toMatch(message)
    }
    const typo = await subscribe('wrong', { endpoint, types: ['Disk.Created', 'Disk.Made'] })
    expect(errorOf(typo)).toMatchObject({
      ...{ code: 'InvalidParameter', target: 'properties.types[1]' },
    })
    expect((await subscribe('-odd', { endpoint })).status).toBe(400)
    expect((await arm.get(`${arm.groupPath}${hooks}/wrong`)).status).toBe(404)
  })
  it('are shown with the origin of their endpoint alone; what was shown, sent back, keeps the rest and the secret', async () => {
    const at = `${arm.groupPath}${hooks}/hidden`
    const put = async (properties: object) => (await arm.put(at, { properties })).body
    const told = [
      await put({ endpoint: `${endpoint}/hook/T0K3N?code=T0K3N`, secret }),
      await arm.get(at),
      await arm.get(`${arm.groupPath}${hooks}`),
      await arm.get(`${arm.groupPath}/providers/Vitrine.Gallery/audit`),
      await arm.put(at, { properties: { endpoint: 'https://elsewhere.example/T0K3N' } }),
    ]
    expect(JSON.stringify(told)).not.toContain('T0K3N')
    received.length = 0
    const kept = { properties: { endpoint, hasSecret: true } }
    expect(await put({ endpoint, types: ['Vitrine.Gallery.Gallery.Created'] })).toMatchObject(kept)
    await arm.make('galleries/hidden', west)
    await until(() => received.length > 0)
    expect(received[0]).toMatchObject({
      path: '/hook/T0K3N?code=T0K3N',
      signature: expect.stringMatching(/^sha256=/),
    })
    // A secret goes to nobody but who it was made for.
    const moved = { properties: { endpoint, hasSecret: false } }
    expect(await put({ endpoint: `${endpoint}/elsewhere` })).toMatchObject(moved)
    await arm.ask('DELETE', at)
    const again = await arm.ask('POST', `${at}/deliver`)
    expect([again.status, (await arm.get(at)).status]).toEqual([404, 404])
  })

  it('above all subscriptions are each tenant its own', async () => {
    const tenantId = 'cccccccc-0000-4000-8000-000000000001'
    const other = await makeTenant(vitrine, arm, { tenantId, name: 'Fabrikam' })
    const path = `${hooks}/root`
    const ours = { properties: { endpoint: `${endpoint}/ours`, secret } }
    expect((await arm.put(path, ours)).status).toBe(201)
    expect((await other.get(hooks)).body).toEqual({ value: [] })
    expect((await other.get(path)).status).toBe(404)
    const theirs = await other.put(path, { properties: { endpoint: `${endpoint}/theirs` } })
    expect([theirs.status, theirs.body]).toMatchObject([201, { properties: { hasSecret: false } }])
    expect((await other.get(hooks)).body.value).toHaveLength(1)
    expect((await other.ask('DELETE', path)).status).toBe(200)
    expect((await other.ask('POST', `${path}/deliver`)).status).toBe(404)
    expect((await arm.get(path)).body).toMatchObject({ id: path, properties: { hasSecret: true } })
    received.length = 0
    await arm.make('galleries/rooted', west)
    await until(() => received.some((one) => one.path === '/ours'))
    const { eventSubscriptions } = vitrine.installation.store.read
    const home = await eventSubscriptions.count(tenantScope(vitrine.config.tenantId))
    expect([home, await eventSubscriptions.count(tenantScope(tenantId))]).toEqual([1, 0])
    expect((await arm.ask('DELETE', path)).status).toBe(200)
  })

  it('are held by locks as all that hangs on a scope is', async () => {
    await arm.make('galleries/locked', west)
    const at = `${arm.idOf('galleries/locked')}${hooks}/held`
    const lock = `${arm.groupPath}/providers/Microsoft.Authorization/locks/keep`
    const lockAs = (level: string) => arm.put(lock, { properties: { level } })
    const body = { properties: { endpoint } }
    await lockAs('ReadOnly')
    const told = (verb: string, answer: Answer) =>
      expect([answer.status, errorOf(answer)]).toMatchObject([
        409,
        { code: 'ScopeLocked', message: expect.stringContaining(`${verb} operation`) },
      ])
    told('write', await arm.put(at, body))
    await lockAs('CanNotDelete')
    expect((await arm.put(at, body)).status).toBe(201)
    told('delete', await arm.ask('DELETE', at))
    await lockAs('ReadOnly')
    told('write', await arm.ask('POST', `${at}/deliver`))
    await arm.ask('DELETE', lock)
    expect((await arm.ask('POST', `${at}/deliver`)).status).toBe(200)
    expect((await arm.ask('DELETE', at)).status).toBe(200)
  })

  it('that go on after events were kept no more say which they missed', async () => {
    const { store } = vitrine.installation
    const path = `${endpoint}/gap`
    const { body } = await subscribe('gap', { endpoint: path })
    expect(valueAt(body, 'properties.missed')).toBeUndefined()
    const key = `${arm.groupPath}${hooks}/gap`.toLowerCase()
    await arm.make('galleries/forgotten', west)
    await store.write(async ({ events }) => {
      await events.number(500)
      await events.prune(Number.MAX_SAFE_INTEGER, 10_000)
    })
    const to = await store.read.events.forgotten()
    const row = await store.read.eventSubscriptions.get(key)
    if (!row) throw new Error('it is there')
    // Given up long ago.
    const old = { ...row, state: 'Dead', cursor: 0, updatedMs: row.updatedMs + 1 } as const
    await store.write((rows) => rows.eventSubscriptions.put(old))
    await arm.ask('POST', `${arm.groupPath}${hooks}/gap/deliver`)
    await until(async () => valueAt(await show('gap'), 'properties.missed') !== undefined)
    expect(await show('gap')).toMatchObject({
      properties: { state: 'Active', missed: { from: 1, to } },
    })
    await arm.make('galleries/kept', west)
    await until(() => received.some(({ path, body }) => path === '/gap' && body.includes('/kept"')))
    expect(await show('gap')).toMatchObject({ properties: { missed: { to } } })
    const again = await subscribe('gap', { endpoint: path })
    expect(valueAt(again.body, 'properties.missed')).toBeUndefined()
    await arm.ask('DELETE', `${arm.groupPath}${hooks}/gap`)
  })

  it('end with the resource or group at which they are', async () => {
    await arm.make('galleries/brief', west)
    const inside = `${arm.idOf('galleries/brief')}${hooks}/inside`
    expect((await arm.put(inside, { properties: { endpoint } })).status).toBe(201)
    await arm.remove('galleries/brief')
    await arm.make('galleries/brief', west)
    expect((await arm.get(inside)).status).toBe(404)
    const group = `${arm.groupPath}-brief`
    const around = `${group}${hooks}/around`
    await arm.make(`${group}?api-version=2021-04-01`, west)
    expect((await arm.put(around, { properties: { endpoint } })).status).toBe(201)
    expect((await arm.ask('DELETE', group, { api: '2021-04-01' })).status).toBe(202)
    await until(async () => (await arm.get(around)).status === 404)
  })
})
