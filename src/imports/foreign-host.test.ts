import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { openFetcher, policyFor, someFile } from '../../test/support/fetcher.ts'
import { type Asked, startSourceServer } from '../../test/support/source-server.ts'
import { signAuthority, signLeaf } from '../identity/certificate-maker.ts'
import { commonNameOf, split } from '../identity/certificates.ts'
import type { ImportPolicy } from './import-policy.ts'

const endings: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

async function serveFile(bytes: Uint8Array, behave?: (asked: Asked) => void) {
  const server = await startSourceServer({ bytes }, behave)
  endings.push(server.close)
  return server
}

describe('a place that the operator did not allow', () => {
  const publicPolicy = (
    resolve: ImportPolicy['resolve'],
    entries = ['files.example.com', '*.example.net'],
  ) => policyFor(entries, { resolve })
  const toPrivate = async () => ['10.1.2.3']

  it.each([
    ['http://127.0.0.1/x', 'fetches nothing from'],
    ['https://files.example.com:8443/x', 'only https at port 443'],
    ['http://files.example.com/x', 'only https'],
    ['https://evilexample.net/x', 'fetches nothing from'],
    ['https://example.net/x', 'fetches nothing from'],
    ['https://user:word@files.example.com/x', 'user name'],
    ['file:///etc/passwd', 'no URL'],
    ['ftp://files.example.com/x', 'no URL'],
    ['nonsense', 'no URL'],
  ])('is not asked: %s', async (url, reason) => {
    await expect(openFetcher().fetch(url, publicPolicy(toPrivate))).rejects.toThrow(reason)
  })

  it('is any place at all while nothing is allowed, and the setting is named', async () => {
    await expect(openFetcher().fetch('https://files.example.com/x', policyFor([]))).rejects.toThrow(
      /fetches nothing .*imports\.hosts/,
    )
  })

  it.each([
    '10.1.2.3',
    '127.0.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    'fd00:ec2::254',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '::127.0.0.1',
    '168.63.129.16',
    'ff02::1',
    '::',
  ])('is a name that leads to %s', async (address) => {
    const policy = publicPolicy(async () => ['93.184.216.34', address])
    const failed = openFetcher().fetch('https://a.b.example.net/x', policy)
    await expect(failed).rejects.toThrow('private or reserved network')
    await expect(failed).rejects.not.toThrow(address)
  })

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://127.0.0.1:1/',
    'http://[::1]:1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost/',
    'file:///etc/passwd',
  ])('is where a redirect leads: %s', async (location) => {
    const server = await serveFile(
      someFile(),
      ({ response }) => void response.writeHead(302, { location }).end(),
    )
    await expect(openFetcher().fetch(server.origin, policyFor([server.origin]))).rejects.toThrow(
      'redirects to another place',
    )
  })

  it('is an origin of a private network that is allowed, when another one redirects there', async () => {
    const inner = await serveFile(someFile())
    const outer = await serveFile(
      someFile(),
      ({ response }) =>
        void response.writeHead(302, { location: `${inner.origin}/x?sig=secret` }).end(),
    )
    const failed = openFetcher().fetch(`${outer.origin}/y`, policyFor([outer.origin, inner.origin]))
    await expect(failed).rejects.toThrow('private or reserved network')
    expect(inner.requests).toEqual([])
  })

  it('is a redirect that goes round and round', async () => {
    const server = await serveFile(
      someFile(),
      ({ response }) => void response.writeHead(302, { location: '/x' }).end(),
    )
    await expect(openFetcher().fetch(server.origin, policyFor([server.origin]))).rejects.toThrow(
      'more than 5 times',
    )
    expect(server.requests.length).toBe(6)
  })

  it.each([
    'http://169.254.169.254',
    'http://168.63.129.16',
    'http://[fd00:ec2::254]',
    'http://[::ffff:169.254.169.254]',
  ])('is a metadata address, even when the operator named it: %s', async (origin) => {
    const failed = openFetcher().fetch(`${origin}/latest`, policyFor([origin]))
    await expect(failed).rejects.toThrow('private or reserved network')
    await expect(failed).rejects.not.toThrow('imports.hosts')
  })

  it('is a name that leads to metadata, even when the operator named its origin', async () => {
    const policy = policyFor(['https://files.lan'], { resolve: async () => ['169.254.169.254'] })
    await expect(openFetcher().fetch('https://files.lan/x', policy)).rejects.toThrow(
      'private or reserved',
    )
  })
})

describe('a place that the operator named', () => {
  const now = new Date()

  async function startTls() {
    const authority = await signAuthority(now)
    const names = { names: ['files.lan'], purpose: 'server' } as const
    const leaf = await signLeaf({ pem: authority, name: commonNameOf(authority) }, names, now)
    const server = await startSourceServer({ bytes: someFile() }, undefined, split(leaf, authority))
    endings.push(server.close)
    return { server, origin: `https://files.lan:${server.port}`, authority }
  }

  it('is reached at the address that was judged, whatever else its name leads to', async () => {
    const { server, origin, authority } = await startTls()
    const before = getCACertificates('default')
    setDefaultCACertificates([...before, authority.slice(authority.indexOf('-----BEGIN CERT'))])
    endings.push(async () => setDefaultCACertificates(before))
    const asked: string[] = []
    const resolve = async (host: string) => {
      asked.push(host)
      return ['127.0.0.1']
    }
    const bytes = await openFetcher().fetch(`${origin}/x`, policyFor([origin], { resolve }))
    expect(bytes.length).toBe(someFile().length)
    expect(new Set(asked)).toEqual(new Set(['files.lan']))
    expect(server.requests[0]?.host).toBe(`files.lan:${server.port}`)
  })

  it('must prove its name', async () => {
    const { origin } = await startTls()
    const policy = policyFor([origin], { resolve: async () => ['127.0.0.1'] })
    await expect(openFetcher().fetch(`${origin}/x`, policy)).rejects.toThrow('NODE_EXTRA_CA_CERTS')
  })

  it('is told without the secrets of its URL', async () => {
    const server = await serveFile(someFile(), ({ response }) => void response.writeHead(403).end())
    const { fetch, durable } = openFetcher()
    const failed = await fetch(
      `${server.origin}/d?sig=topsecret`,
      policyFor([server.origin]),
    ).catch(String)
    expect(failed).toContain(`${server.origin}/d'`)
    expect(failed).not.toContain('topsecret')
    expect(JSON.stringify(durable.logged)).not.toContain('topsecret')
  })
})
