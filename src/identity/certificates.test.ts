import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { certificateNames, openCertificate, readOwnCertificate } from './certificates.ts'

const dayMs = 24 * 3_600_000
let folder: string
let nowMs: number
const world = { now: () => new Date(nowMs) }
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-tls-'))
  nowMs = Date.now()
})
afterEach(() => rm(folder, { recursive: true }))

const open = (hostNames: readonly string[] = []) =>
  openCertificate({ folder: join(folder, 'tls'), hostNames, world })

test('a TLS client that trusts ca.pem alone accepts the server under each of its names', async () => {
  const { certPem, keyPem, caPem = '' } = await open(['images.example', '2001:db8::7'])
  const server = createServer({ cert: certPem, key: keyPem }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const handshake = (name: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(
        {
          host: '127.0.0.1',
          port,
          ca: caPem,
          checkServerIdentity: (_, peer) => checkName(name, peer.raw),
        },
        () => {
          resolve(name)
          socket.destroy()
        },
      ).once('error', reject)
    })
  try {
    for (const name of certificateNames(['images.example', '2001:db8::7'])) {
      expect(await handshake(name)).toBe(name)
    }
    await expect(handshake('other.example')).rejects.toThrow('not named')
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
})

function checkName(name: string, raw: Buffer): Error | undefined {
  const leaf = new X509Certificate(raw)
  const named =
    name.includes(':') || /^[\d.]+$/.test(name) ? leaf.checkIP(name) : leaf.checkHost(name)
  return named === undefined ? new Error('not named') : undefined
}

test('a restart keeps certificate and CA, and keys are for the owner only', async () => {
  const first = await open()
  expect(await open()).toEqual(first)
  const modes = await Promise.all(
    ['ca.key', 'server.pem', 'ca.pem'].map(
      async (name) => (await stat(join(folder, 'tls', name))).mode & 0o777,
    ),
  )
  expect(modes).toEqual([0o600, 0o600, 0o644])
  expect(await readFile(join(folder, 'tls', 'ca.pem'), 'utf8')).not.toContain('PRIVATE')
})

test('racing first starts agree on one CA', async () => {
  const opened = await Promise.all([open(), open(), open()])
  expect(new Set(opened.map(({ caPem }) => caPem)).size).toBe(1)
})

test('near its end the certificate is made anew under the same CA', async () => {
  const first = await open()
  nowMs += 360 * dayMs
  expect((await open()).certPem).toBe(first.certPem)
  nowMs += 10 * dayMs
  const renewed = await open()
  expect(renewed.certPem).not.toBe(first.certPem)
  expect(renewed.caPem).toBe(first.caPem)
  expect(renewed.notAfter.getTime()).toBeGreaterThan(nowMs + 300 * dayMs)
})

test('changed host names and a damaged file make it anew under the same CA', async () => {
  const first = await open(['a.example'])
  const more = await open(['a.example', 'b.example'])
  expect(more.certPem).not.toBe(first.certPem)
  const fewer = await open(['b.example'])
  expect(new X509Certificate(fewer.certPem).checkHost('a.example')).toBeUndefined()
  await writeFile(join(folder, 'tls', 'server.pem'), more.keyPem.slice(0, 40))
  const repaired = await open(['b.example'])
  expect(
    new X509Certificate(repaired.certPem).verify(new X509Certificate(first.caPem ?? '').publicKey),
  ).toBe(true)
})

test('the CA may sign servers only', async () => {
  const ca = new X509Certificate((await open()).caPem ?? '')
  expect(ca.ca).toBe(true)
  expect(ca.verify(ca.publicKey)).toBe(true)
})

test('own certificates are taken, and refused when the key is another or time is over', async () => {
  const { certPem, keyPem, notAfter } = await open()
  const [certFile, keyFile] = [join(folder, 'own.pem'), join(folder, 'own.key')]
  await writeFile(certFile, certPem)
  await writeFile(keyFile, keyPem)
  expect(await readOwnCertificate(certFile, keyFile, world)).toEqual({
    certPem,
    keyPem,
    caPem: undefined,
    notAfter,
  })
  await expect(readOwnCertificate(certFile, join(folder, 'tls', 'ca.key'), world)).rejects.toThrow(
    'not the key of',
  )
  nowMs = notAfter.getTime()
  await expect(readOwnCertificate(certFile, keyFile, world)).rejects.toThrow('ran out')
})
