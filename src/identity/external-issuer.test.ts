import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { openMovingWorld } from '../../test/support/moving-world.ts'
import { type OpenidIssuer, openOpenidIssuer } from '../../test/support/openid-issuer.ts'
import { openCertificate } from './certificates.ts'
import { type ExternalIssuer, openExternalIssuer } from './external-issuer.ts'

const tenantId = '0d6b1f8e-3f4c-4d0a-8a39-6b8f2f2f8a01'
const minuteMs = 60_000
const hourMs = 60 * minuteMs

const open: { stop?: () => Promise<void>; close?: () => void }[] = []
afterEach(async () => {
  for (const { stop, close } of open.splice(0)) {
    close?.()
    await stop?.()
  }
})

type Over = Partial<Parameters<typeof openOpenidIssuer>[0]>

async function issuerAndUs(over: Over = {}, ca?: string) {
  const world = openMovingWorld()
  const events: string[] = []
  const there = await openOpenidIssuer({ path: '/realms/lab', ...over })
  const us = openExternalIssuer({
    ...{ issuer: there.issuer, tenantId, ca },
    world: { now: world.now, log: ({ event, error }) => events.push(`${event}: ${error}`) },
  })
  open.push(us, there)
  return { there, us, world, events }
}

const kidsOf = async (us: ExternalIssuer, missing?: string) =>
  (await us.keys(missing)).keys.map(({ kid }) => kid)
const publishedBy = (there: OpenidIssuer) => there.publicKeys().map(({ kid }) => kid)

/** Until the look-up in the background is over. */
const inBackground = (us: ExternalIssuer, there: OpenidIssuer) =>
  expect.poll(() => kidsOf(us)).toEqual(publishedBy(there))

describe('keys of an issuer elsewhere', () => {
  test('are found by discovery, once, and without anything private', async () => {
    const { there, us } = await issuerAndUs()
    expect(there.asked).toEqual([])
    const [keys, same] = await Promise.all([us.keys(), us.keys()])
    expect(keys).toBe(same)
    expect(await us.keys()).toBe(keys)
    expect(there.looks()).toBe(1)
    expect(keys.keys).toMatchObject([{ kty: 'RSA', kid: publishedBy(there)[0] }])
    expect(Object.keys(keys.keys[0] ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })

  test('are looked up again when a token names another, but not for everybody who makes one up', async () => {
    const { there, us, world } = await issuerAndUs()
    await us.keys()
    await there.turn()
    const [fresh = ''] = publishedBy(there)
    expect(await kidsOf(us, fresh)).toHaveLength(1)
    world.move(31_000)
    expect(await kidsOf(us, fresh)).toEqual(publishedBy(there))
    for (let guess = 0; guess < 50; guess++) await us.keys(`guess ${guess}`)
    expect(there.looks()).toBe(2)
  })

  test('many tokens with an unknown key at once are one look', async () => {
    const { there, us, world } = await issuerAndUs()
    await us.keys()
    world.move(31_000)
    await Promise.all(Array.from({ length: 100 }, (_, at) => us.keys(`guess ${at}`)))
    expect(there.looks()).toBe(2)
  })

  test('that are old are renewed behind a request, and those that were withdrawn go', async () => {
    const { there, us, world } = await issuerAndUs()
    const before = await us.keys()
    await there.turn()
    there.drop()
    world.move(61 * minuteMs)
    expect(us.keys()).toBe(before)
    await inBackground(us, there)
  })

  test('are the same object when a look found nothing new', async () => {
    const { there, us, world } = await issuerAndUs()
    const before = await us.keys()
    world.move(61 * minuteMs)
    await us.keys('unknown')
    expect(there.looks()).toBe(2)
    expect(await us.keys()).toBe(before)
  })

  test('serve on for a day while the issuer is away, and no longer', async () => {
    const { there, us, world, events } = await issuerAndUs()
    const before = await us.keys()
    await there.stop()
    world.move(23 * hourMs)
    expect(await us.keys('unknown')).toBe(before)
    world.move(2 * hourMs)
    await expect(async () => await us.keys()).rejects.toMatchObject({ name: 'Unavailable' })
    expect(events.join()).toContain('issuer-away')
    await there.start()
    world.move(31_000)
    expect(await kidsOf(us)).toEqual(publishedBy(there))
  })

  test('of an issuer that never answered are not known, and it is not asked for each request', async () => {
    const { there, us, world } = await issuerAndUs()
    await there.stop()
    const unknown = { name: 'Unavailable' }
    await expect(async () => await us.keys()).rejects.toMatchObject(unknown)
    await expect(async () => await us.keys()).rejects.toMatchObject(unknown)
    await there.start()
    expect(there.asked).toEqual([])
    world.move(31_000)
    expect(await kidsOf(us)).toEqual(publishedBy(there))
  })

  test('come over TLS from who the named authority vouches for, and from nobody else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vitrine-issuer-'))
    open.push({ stop: () => rm(folder, { recursive: true }) })
    const world = { now: () => new Date() }
    const { caPem, certPem, keyPem } = await openCertificate({ folder, hostNames: [], world })
    const { us, there } = await issuerAndUs({ tls: { certPem, keyPem } }, caPem)
    expect(await kidsOf(us)).toEqual(publishedBy(there))
    const { us: strict, events } = await issuerAndUs({ tls: { certPem, keyPem } })
    await expect(async () => await strict.keys()).rejects.toMatchObject({ name: 'Unavailable' })
    expect(events.join()).toContain('certificate')
  })
})

describe('an answer that is not trusted', () => {
  const refused = async (
    answer: (url: string, response: ServerResponse, origin: string) => boolean,
    why: string,
  ) => {
    const { us, events } = await issuerAndUs({
      behave: ({ url = '', headers }, response) => answer(url, response, `http://${headers.host}`),
    })
    await expect(async () => await us.keys()).rejects.toMatchObject({ name: 'Unavailable' })
    expect(events.join()).toContain(why)
  }
  const json = (response: ServerResponse, body: unknown): true => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    return true
  }

  test('is a document of another issuer', async () => {
    await refused(
      (_, response, origin) =>
        json(response, { issuer: `${origin}/realms/lab2`, jwks_uri: `${origin}/realms/lab/jwks` }),
      'is that of the issuer',
    )
  })

  test('is a redirect to another host', async () => {
    const { there } = await issuerAndUs()
    await refused((_, response) => {
      response.writeHead(302, { location: `${there.issuer}/jwks` }).end()
      return true
    }, 'redirects to another host')
    expect(there.asked).toEqual([])
  })

  test('is one redirect after another', async () => {
    await refused((url, response) => {
      response.writeHead(302, { location: `${url}x` }).end()
      return true
    }, 'redirects more than')
  })

  test('is a key set at an address without TLS on another machine', async () => {
    await refused(
      (_, response, origin) =>
        json(response, {
          issuer: `${origin}/realms/lab`,
          jwks_uri: 'http://keys.example.com/jwks',
        }),
      'no https address',
    )
  })

  test('is no JSON, no document, no key set, or an error', async () => {
    await refused((_, response) => {
      response.end('<html>')
      return true
    }, 'does not answer with JSON')
    await refused((_, response) => json(response, []), 'no discovery document')
    await refused(
      (url, response) => url.endsWith('/jwks') && json(response, { keys: 'none' }),
      'has no key set',
    )
    await refused((_, response) => {
      response.writeHead(500).end()
      return true
    }, 'status 500')
  })

  test('is one that is larger than any key set', async () => {
    await refused((_, response) => {
      response.write(' '.repeat(300 * 1024))
      response.end('{}')
      return true
    }, 'is over')
  })
})
