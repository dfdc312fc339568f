import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits } from '../../src/domain/limits.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { openHeardWorld } from '../support/heard-world.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const guid = /^x-ms-correlation-request-id: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/m
const long = 'a'.repeat(8_000)

/** Written byte by byte on a socket, past all that would tidy it up. */
describe('whatever a request says', () => {
  const { world, logged } = openHeardWorld()
  let vitrine: TestInstallation
  let arm: Arm
  let target: string
  beforeAll(async () => {
    vitrine = await openTestInstallation({ world })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    target = `${arm.idOf(`galleries/${gallery}`)}?api-version=2024-03-03`
  })
  afterAll(() => vitrine.close())

  async function opened(): Promise<TLSSocket> {
    const { hostname, port } = new URL(vitrine.url)
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
    socket.on('error', () => undefined)
    await once(socket, 'secureConnect')
    return socket
  }

  /** All that is answered to this until the connection ends. */
  async function told(text: string): Promise<string> {
    const socket = await opened()
    const parts: Buffer[] = []
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.write(Buffer.from(text, 'latin1'))
    await once(socket, 'close')
    return Buffer.concat(parts).toString('latin1')
  }

  /** With a good token first; `lines` may say another host. */
  function get(lines: readonly string[], path = target): Promise<string> {
    const { host } = new URL(vitrine.url)
    const hosts = lines.some((line) => /^host:/i.test(line)) ? [] : [`Host: ${host}`]
    const token = `Authorization: Bearer ${vitrine.token}`
    const head = [`GET ${path} HTTP/1.1`, ...hosts, token, 'Connection: close', ...lines]
    return told(`${head.join('\r\n')}\r\n\r\n`)
  }

  const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])
  const headOf = (answer: string) => answer.slice(0, answer.indexOf('\r\n\r\n')).toLowerCase()
  const ourFaults = () => logged.filter(({ level }) => level === 'error')

  describe('in its ids, none comes back but one that looks like an id', () => {
    const asks = 'x-ms-return-client-request-id: true'
    it.each([
      ['very long', long.slice(0, 4_000)],
      ['not ASCII', '\xfc\xe9\xdf'],
      ['UTF-8', Buffer.from('名', 'utf8').toString('latin1')],
      ['a line encoded', 'a%0d%0aX-Injected: 1'],
      ['markup', '"><script>'],
      ['a tab', 'a\tb'],
      ['nothing', ''],
    ])('%s', async (_, id) => {
      const ids = [`x-ms-client-request-id: ${id}`, `x-ms-correlation-request-id: ${id}`]
      const answer = await get([...ids, asks])
      expect(statusOf(answer)).toBe(200)
      expect(headOf(answer)).not.toMatch(/x-ms-client-request-id|x-injected|<script/)
      expect(headOf(answer).replaceAll('\r', '')).toMatch(guid)
    })

    it('two of one name', async () => {
      const answer = await get(['x-ms-client-request-id: a', 'x-ms-client-request-id: b', asks])
      expect(statusOf(answer)).toBe(200)
      expect(headOf(answer)).not.toContain('x-ms-client-request-id')
    })

    it.each([
      ['a bare line feed', 'a\nX-Injected: 1'],
      ['a bare carriage return', 'a\rX-Injected: 1'],
      ['a NUL', 'a\0b'],
    ])('%s, which is no request at all or a header of its own', async (_, id) => {
      const answer = await get([`x-ms-client-request-id: ${id}`, asks])
      expect([200, 400]).toContain(statusOf(answer))
      expect(headOf(answer)).not.toContain('x-injected')
    })
  })

  describe('of where it comes from', () => {
    const list = () =>
      `${arm.groupPath}/providers/Microsoft.Compute/galleries?api-version=2024-03-03`

    it('X-Forwarded-*, Forwarded and Referer are not believed: no URL of ours names their host', async () => {
      const names = ['X-Forwarded-Host', 'X-Forwarded-Server', 'X-Original-Host', 'Referer']
      const lines = names.map((name) => `${name}: https://evil.test/`)
      const forwarded = ['X-Forwarded-Proto: http', 'Forwarded: host=evil.test;proto=http']
      const answer = await get([...lines, ...forwarded], list())
      expect(statusOf(answer)).toBe(200)
      expect(answer).not.toContain('evil.test')
      const { host } = new URL(vitrine.url)
      const body = JSON.stringify({ location: 'westeurope' })
      const put = await told(
        [
          `PUT ${arm.idOf('galleries/told')}?api-version=2024-03-03 HTTP/1.1`,
          ...[`Host: ${host}`, `Authorization: Bearer ${vitrine.token}`, ...lines, ...forwarded],
          ...[`Content-Length: ${body.length}`, 'Connection: close', '', body],
        ].join('\r\n'),
      )
      expect(statusOf(put)).toBe(201)
      expect(headOf(put)).toContain(`azure-asyncoperation: ${vitrine.url}/`)
      expect(put).not.toContain('evil.test')
    })

    it.each([
      ['a path', 'Host: x/../y'],
      ['a login', 'Host: user@evil.test'],
      ['a space', 'Host: a b'],
      ['a port that is none', 'Host: x:99999'],
      ['markup', 'Host: <script>'],
      ['letters beyond ASCII', 'Host: \xfc.test'],
      ['nothing', 'Host:'],
    ])('a Host that is %s is refused', async (_, line) => {
      const answer = await get([line])
      expect(statusOf(answer)).toBe(400)
      expect(answer).not.toMatch(/<script|evil/)
    })

    it('a second Host is not taken', async () => {
      const { host } = new URL(vitrine.url)
      const answer = await get([`Host: ${host}`, 'Host: evil.test'], list())
      expect([200, 400]).toContain(statusOf(answer))
      expect(answer).not.toContain('evil.test')
    })
  })

  it('a second Authorization is not taken, whichever of the two is good', async () => {
    const [good, bad] = [`Authorization: Bearer ${vitrine.token}`, 'Authorization: Bearer a.b.c']
    const { host } = new URL(vitrine.url)
    const both = (lines: readonly string[]) =>
      told(
        `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`,
      )
    expect(statusOf(await both([bad, good]))).toBe(401)
    expect([200, 400]).toContain(statusOf(await both([good, bad])))
  })

  it.each([
    ['a name of 8,000 letters', [`${long}: 1`], 200],
    ['500 headers', Array.from({ length: 500 }, (_, at) => `x${at}: 1`), 200],
    ['16 KiB of headers', [`X-A: ${long}`, `X-B: ${long}`, `X-C: ${long}`], 431],
    ['an If-Match without end', [`If-Match: "${long}"`], 200],
    ['an unknown Accept-Encoding, Range and Expect', ['Range: bytes=0-', 'Accept: nothing'], 200],
    ['a name that is none', ['a b: 1'], 400],
    ['a line without a colon', ['nothing'], 400],
  ])('%s: told as it is, and the next one is served', async (_, lines, status) => {
    expect(statusOf(await get(lines))).toBe(status)
    expect(statusOf(await get([]))).toBe(200)
  })

  it.each([
    ['bytes beyond ASCII', (path: string) => path.replace('?', '/\xfc\xff?')],
    ['half an escape', (path: string) => path.replace('?', '%?')],
    ['no path at all', () => '*'],
    ['another host', () => 'https://evil.test/subscriptions?api-version=2022-12-01'],
  ])('a target with %s is refused, and no fault of ours', async (_, spoilt) => {
    const answer = await get([], spoilt(target))
    expect(statusOf(answer)).toBeGreaterThanOrEqual(200)
    expect(statusOf(answer)).toBeLessThan(500)
    expect(answer).not.toContain('evil.test')
    expect(ourFaults()).toEqual([])
  })

  describe('in a body over 4 MiB', () => {
    const { bodyBytesMax } = limits
    const put = (lines: readonly string[]) => {
      const { host } = new URL(vitrine.url)
      const path = `${arm.idOf('galleries/large')}?api-version=2024-03-03`
      const token = `Authorization: Bearer ${vitrine.token}`
      const head = [`PUT ${path} HTTP/1.1`, `Host: ${host}`, token, ...lines]
      return `${head.join('\r\n')}\r\n\r\n`
    }

    it('by its length: told before a byte of it is sent', async () => {
      const answer = await told(put([`Content-Length: ${bodyBytesMax + 1}`]))
      expect(statusOf(answer)).toBe(413)
      expect(answer).toContain('RequestEntityTooLarge')
    })

    it('in chunks, which tell no length: told as soon as it is over, and cut off', async () => {
      const socket = await opened()
      const parts: Buffer[] = []
      socket.on('data', (part: Buffer) => parts.push(part))
      const closed = once(socket, 'close')
      socket.write(put(['Transfer-Encoding: chunked']))
      const chunk = `${(64 * 1024).toString(16)}\r\n${' '.repeat(64 * 1024)}\r\n`
      // Never its last one: who waits for the end of it waits for ever.
      for (let sent = 0; sent <= bodyBytesMax; sent += 64 * 1024) socket.write(chunk)
      await closed
      const answer = Buffer.concat(parts).toString()
      expect(statusOf(answer)).toBe(413)
      expect(answer).toContain('RequestEntityTooLarge')
      expect((await arm.get('galleries/large')).status).toBe(404)
    })
  })

  it('a body that is compressed, or no UTF-8, is refused with what to send', async () => {
    const { host } = new URL(vitrine.url)
    const zipped = gzipSync(JSON.stringify({ location: 'westeurope' })).toString('latin1')
    for (const body of [zipped, '{"location": "westeurope", "tags": { "a": "\xe9" } }']) {
      const answer = await told(
        [
          `PUT ${arm.idOf('galleries/zipped')}?api-version=2024-03-03 HTTP/1.1`,
          ...[`Host: ${host}`, `Authorization: Bearer ${vitrine.token}`, 'Content-Encoding: gzip'],
          ...[`Content-Length: ${body.length}`, 'Connection: close', '', body],
        ].join('\r\n'),
      )
      expect(statusOf(answer)).toBe(400)
      expect(answer).toMatch(/InvalidRequestContent.*send JSON in UTF-8, and not compressed/)
    }
  })

  it('of a body with thousands of faults a hundred are told; one of more values than any resource has is not looked at', async () => {
    const regions = Array.from({ length: 5_000 }, () => ({}))
    const tags = Object.fromEntries(regions.map((_, at) => [`<${at}`, 'x']))
    const version = { publishingProfile: { targetRegions: regions } }
    for (const [path, body] of [
      [`galleries/${gallery}/images/${definition}/versions/1.0.0`, { properties: version }],
      ['galleries/tagged', { tags }],
    ] as const) {
      const answer = await arm.put(path, { location: 'westeurope', ...body })
      expect(answer.status).toBe(400)
      expect(errorOf(answer).details).toHaveLength(100)
    }
    const many = Array.from({ length: limits.bodyValuesMax }, () => 0)
    const answer = await arm.put('galleries/many', { location: 'westeurope', many })
    expect([answer.status, errorOf(answer).message]).toEqual([
      400,
      expect.stringMatching(/at most 20000 values/),
    ])
  })

  it('the bounds of slow and of resting clients are in force', async () => {
    // Of those that src/listen.ts sets all at once, a client is told this one.
    expect((await arm.get(`galleries/${gallery}`)).headers.get('keep-alive')).toBe('timeout=75')
  })

  it('half of a handshake, of headers, of a body, and then nobody: no fault of ours, and others are served', async () => {
    const { hostname, port, host } = new URL(vitrine.url)
    const plain = connectPlain(Number(port), hostname)
    plain.on('error', () => undefined)
    await once(plain, 'connect')
    plain.write(Buffer.from([0x16, 0x03, 0x01, 0x02]))
    const token = `Authorization: Bearer ${vitrine.token}`
    const put = `PUT ${arm.idOf('galleries/half')}?api-version=2024-03-03 HTTP/1.1\r\nHost: ${host}\r\n${token}\r\n`
    const halves = [
      'GET /subscr',
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthor`,
      `${put}Content-Length: 1024\r\n\r\n{"location":`,
      `${put}Transfer-Encoding: chunked\r\n\r\n400\r\n{"location":`,
    ]
    for (const half of halves) {
      const socket = await opened()
      socket.write(half)
      expect((await arm.get(`galleries/${gallery}`)).status).toBe(200)
      socket.destroy()
      await once(socket, 'close')
    }
    plain.destroy()
    expect((await arm.get('galleries/half')).status).toBe(404)
    expect(ourFaults()).toEqual([])
  })
})
