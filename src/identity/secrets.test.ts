import { scryptSync } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openMemoryDirectory } from '../../test/support/memory-directory.ts'
import { freshSecret, hashSecret, openSecretCheck } from './client-secret.ts'
import { openInstallationKey, sealSecrets } from './sealed-secrets.ts'
import { openSigningKeys } from './signing-keys.ts'

const key = new Uint8Array(32).fill(7)

test('a hash takes its own secret and no other, and two hashes of one secret differ', async () => {
  const check = openSecretCheck()
  const secret = freshSecret()
  const hash = await hashSecret(secret)
  expect(await check(secret, hash, [])).toBe(true)
  expect(await check(`${secret}x`, hash, [])).toBe(false)
  expect(await check('', hash, [])).toBe(false)
  expect(await check(secret, await hashSecret('another'), [])).toBe(false)
  expect(await check(secret, 'plain$text', [])).toBe(false)
  expect(await hashSecret(secret)).not.toBe(hash)
})

test('sign-ins beyond the bound, of all or of one network or client, are told to come again, others are served', async () => {
  const salt = Buffer.from('salt')
  const cheap = scryptSync('right', salt, 32, { N: 16, r: 1, p: 1 })
  const check = openSecretCheck()
  // A hash as an old installation may hold it: its parameters are its own, here small ones.
  const hash = `scrypt$16$1$1$${salt.toString('base64')}$${cheap.toString('base64')}`
  const many = (count: number, ...holders: string[]) =>
    Promise.allSettled(Array.from({ length: count }, () => check('right', hash, holders)))
  const [crowd, client, honest, rest] = await Promise.all([
    many(70, 'crowd', 'a'),
    many(70, 'elsewhere', 'a'),
    many(1, 'elsewhere', 'b'),
    many(300),
  ])
  const counts = (all: readonly PromiseSettledResult<boolean>[]) => [
    all.filter((one) => one.status === 'fulfilled' && one.value).length,
    all.filter((one) => one.status === 'rejected' && one.reason.name === 'Unavailable').length,
  ]
  expect(counts(crowd)).toEqual([64, 6])
  expect(counts(client)).toEqual([0, 70])
  expect(counts(honest)).toEqual([1, 0])
  expect(counts(rest)).toEqual([191, 109])
  expect(await check('right', hash, ['crowd', 'a'])).toBe(true)
})

test('sealed secrets come back, show nothing in the rows, and the first value stays', async () => {
  const { secrets, secretValues } = openMemoryDirectory()
  const sealed = sealSecrets(secrets, key)
  expect(await sealed.get('a')).toBeUndefined()
  expect(await sealed.putIfAbsent('a', 'plain text')).toBe('plain text')
  expect(await sealed.putIfAbsent('a', 'later')).toBe('plain text')
  expect(await sealed.get('a')).toBe('plain text')
  expect([...secretValues.values()].join()).not.toContain('plain')
})

test('another key, a changed byte and a moved value do not open', async () => {
  const { secrets, secretValues } = openMemoryDirectory()
  const sealed = sealSecrets(secrets, key)
  await sealed.putIfAbsent('a', 'value')
  const text = secretValues.get('a') ?? ''
  await expect(sealSecrets(secrets, new Uint8Array(32)).get('a')).rejects.toThrow(
    "'a' does not open",
  )
  secretValues.set('b', text)
  await expect(sealed.get('b')).rejects.toThrow("'b' does not open")
  secretValues.set('a', `${text.slice(0, -4)}AAAA`)
  await expect(sealed.get('a')).rejects.toThrow('does not open')
  secretValues.set('a', '')
  await expect(sealed.get('a')).rejects.toThrow('does not open')
})

test('the installation key is made once, for its owner only, and a damaged file is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-key-'))
  try {
    const path = join(folder, 'data', 'installation.key')
    const first = await openInstallationKey(path)
    expect(first.length).toBe(32)
    expect(await openInstallationKey(path)).toEqual(first)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await writeFile(path, 'short')
    await expect(openInstallationKey(path)).rejects.toThrow('must hold 32 bytes')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('racing processes get the same signing keys, and the public half holds nothing private', async () => {
  const { secrets } = openMemoryDirectory()
  const open = async () => (await openSigningKeys(secrets, { now: () => new Date() })).verifying()
  const [one, other] = await Promise.all([open(), open()])
  expect(other).toEqual(one)
  expect(await open()).toEqual(one)
  const [published] = one.keys
  expect(new Set(Object.keys(published ?? {}))).toEqual(
    new Set(['alg', 'e', 'kid', 'kty', 'n', 'use']),
  )
})
