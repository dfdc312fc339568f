import { afterEach, expect, test } from 'vitest'
import { openArmServer, type StubAnswer, type StubRequest } from '../../test/support/arm-server.ts'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { type Client, openClient } from './client.ts'

const { signal } = new AbortController()
const credentials = { tenantId: 't1', clientId: 'c1', clientSecret: 's1' }
const options = { apiVersion: '2024-03-03', signal }
const closing: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function openCase(answer: (request: StubRequest, base: string) => StubAnswer) {
  let tokens = 0
  const server = await openArmServer((request, base) => {
    if (!request.path.endsWith('/oauth2/v2.0/token')) return answer(request, base)
    tokens++
    return { body: { access_token: `token-${tokens}`, expires_in: 3600, token_type: 'Bearer' } }
  })
  const world = openQuickWorld()
  const client: Client = openClient({ base: `${server.base}/`, credentials, world })
  closing.push(client.close, server.close)
  return { client, server, world, tokens: () => tokens }
}

test('one token serves many calls, and is renewed before it expires', async () => {
  const { client, server, world, tokens } = await openCase(() => ({ body: {} }))
  await Promise.all([client.call('GET', '/a', options), client.call('GET', '/b', options)])
  expect(tokens()).toBe(1)
  const [first] = server.seen
  expect(first?.path).toBe('/t1/oauth2/v2.0/token')
  const form = new URLSearchParams(first?.body)
  expect(form.get('scope')).toBe(`${server.base}/.default`)
  expect(form.get('grant_type')).toBe('client_credentials')
  await world.sleep(3_500_000, signal)
  await client.call('GET', '/c', options)
  expect(tokens()).toBe(2)
  expect(server.seen.at(-1)?.headers.authorization).toBe('Bearer token-2')
})

test('a token that the server forgot is replaced once', async () => {
  const { client, tokens } = await openCase((request) =>
    request.headers.authorization === 'Bearer token-2'
      ? { body: { ok: true } }
      : { status: 401, body: { error: { code: 'AuthenticationFailed', message: 'no' } } },
  )
  expect((await client.call('GET', '/a', options)).body).toEqual({ ok: true })
  expect(tokens()).toBe(2)
})

test('an error envelope becomes code, message, target and a next step', async () => {
  const { client } = await openCase(() => ({
    status: 404,
    headers: { 'x-ms-correlation-request-id': 'k1' },
    body: {
      error: { code: 'ResourceGroupNotFound', message: "Resource group 'g' could not be found." },
    },
  }))
  await expect(client.call('GET', '/a', options)).rejects.toMatchObject({
    code: 'ResourceGroupNotFound',
    status: 404,
    correlationId: 'k1',
    nextStep: expect.stringContaining('vitrine group create'),
  })
  expect(await client.find('/a', options)).toBeUndefined()
})

test('a busy server is asked again after the time it names, and not for ever', async () => {
  let busy = 2
  const { client, world } = await openCase(() =>
    busy-- > 0
      ? { status: 429, headers: { 'retry-after': '7' }, body: {} }
      : { body: { ok: true } },
  )
  await client.call('POST', '/a', options)
  expect(world.sleptMs).toEqual([7000, 7000])
  busy = 1000
  await expect(client.call('GET', '/a', options)).rejects.toMatchObject({ status: 429 })
  expect(busy).toBe(1000 - 8)
})

test('a PUT with Azure-AsyncOperation is polled at once, then as Retry-After says, then read', async () => {
  let polls = 0
  const { client, world, server } = await openCase((request, base) => {
    if (request.method === 'PUT')
      return {
        status: 201,
        headers: { 'azure-asyncoperation': `${base}/op/1?api-version=x` },
        body: { properties: { provisioningState: 'Creating' } },
      }
    if (request.path === '/op/1')
      return {
        headers: { 'retry-after': '3' },
        body: { status: ++polls < 3 ? 'InProgress' : 'Succeeded', percentComplete: polls * 10 },
      }
    return { body: { properties: { provisioningState: 'Succeeded' } } }
  })
  const seen: unknown[] = []
  const answer = await client.call('PUT', '/things/1', { ...options, body: {} })
  const done = await client.wait(answer, { signal, onPoll: (status) => seen.push(status.status) })
  expect(done).toEqual({ properties: { provisioningState: 'Succeeded' } })
  expect(seen).toEqual(['InProgress', 'InProgress', 'Succeeded'])
  expect(world.sleptMs).toEqual([3000, 3000])
  expect(server.seen.at(-1)).toMatchObject({ method: 'GET', path: '/things/1' })
})

test('a POST gives its output, from the operation or from Location', async () => {
  const { client } = await openCase((request, base) => {
    if (request.path === '/inline' || request.path === '/located')
      return {
        status: 202,
        headers: {
          'azure-asyncoperation': `${base}/op${request.path}`,
          location: `${base}/result`,
        },
      }
    if (request.path === '/op/inline')
      return { body: { status: 'Succeeded', properties: { output: { accessSAS: 'one' } } } }
    if (request.path === '/op/located') return { body: { status: 'Succeeded' } }
    return { body: { accessSAS: 'two' } }
  })
  const inline = await client.call('POST', '/inline', { ...options, body: {} })
  expect(await client.wait(inline, { signal })).toEqual({ accessSAS: 'one' })
  const located = await client.call('POST', '/located', { ...options, body: {} })
  expect(await client.wait(located, { signal })).toEqual({ accessSAS: 'two' })
})

test('a DELETE with Location alone runs while it answers 202', async () => {
  let polls = 0
  const { client } = await openCase((request, base) =>
    request.method === 'DELETE'
      ? { status: 202, headers: { location: `${base}/result` } }
      : { status: ++polls < 3 ? 202 : 200 },
  )
  const answer = await client.call('DELETE', '/g', options)
  expect(await client.wait(answer, { signal })).toBeUndefined()
  expect(polls).toBe(3)
})

test('a failed operation throws its own error', async () => {
  const { client } = await openCase((request, base) =>
    request.method === 'PUT'
      ? { status: 201, headers: { 'azure-asyncoperation': `${base}/op` }, body: {} }
      : {
          body: {
            status: 'Failed',
            error: { code: 'InvalidDisk', message: 'The VHD is cut off.' },
          },
        },
  )
  const answer = await client.call('PUT', '/v', { ...options, body: {} })
  await expect(client.wait(answer, { signal })).rejects.toMatchObject({
    code: 'InvalidDisk',
    message: 'The VHD is cut off.',
  })
})

test('the token never leaves for another host', async () => {
  const foreign: StubRequest[] = []
  const other = await openArmServer((request) => {
    foreign.push(request)
    return { body: { status: 'Succeeded' } }
  })
  closing.push(other.close)
  const { client } = await openCase((request) =>
    request.method === 'PUT'
      ? { status: 201, headers: { 'azure-asyncoperation': `${other.base}/op` }, body: {} }
      : { body: { status: 'Succeeded' } },
  )
  const answer = await client.call('PUT', '/v', { ...options, body: {} })
  await client.wait(answer, { signal })
  expect(foreign).toEqual([])
})

test('a list follows nextLink to its end', async () => {
  const { client } = await openCase((request, base) =>
    request.query.get('$skiptoken') === '2'
      ? { body: { value: [{ name: 'c' }] } }
      : { body: { value: [{ name: 'a' }, { name: 'b' }], nextLink: `${base}/l?$skiptoken=2` } },
  )
  const names: unknown[] = []
  for await (const row of client.list('/l', options)) names.push(row.name)
  expect(names).toEqual(['a', 'b', 'c'])
})

test('a server that is not there is told at once, with the fix', async () => {
  const gone = await openArmServer(() => ({}))
  await gone.close()
  const world = openQuickWorld()
  const client = openClient({ base: gone.base, credentials, world })
  closing.push(client.close)
  await expect(client.call('GET', '/a', options)).rejects.toMatchObject({
    code: 'Unreachable',
    message: expect.stringContaining('nothing listens there'),
    nextStep: expect.stringContaining('vitrine serve'),
  })
  expect(world.sleptMs).toEqual([])
})

test('refused credentials say what the issuer said', async () => {
  const server = await openArmServer(() => ({
    status: 401,
    body: { error: 'invalid_client', error_description: 'AADSTS7000215: wrong secret.' },
  }))
  const client = openClient({ base: server.base, credentials, world: openQuickWorld() })
  closing.push(client.close, server.close)
  await expect(client.call('GET', '/a', options)).rejects.toMatchObject({
    code: 'AuthenticationFailed',
    message: expect.stringContaining('AADSTS7000215'),
    nextStep: expect.stringContaining('vitrine login'),
  })
})
