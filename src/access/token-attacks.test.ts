import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { openMemoryDirectory } from '../../test/support/memory-directory.ts'
import {
  attacks,
  encoded,
  signed,
  signedText,
  type Target,
} from '../../test/support/token-attacks.ts'
import { armAudiences, foreignAudiences } from '../domain/audiences.ts'
import { ArmError } from '../domain/errors.ts'
import { tenancyOf } from '../domain/tenants.ts'
import type { Door, TrustedIssuer } from '../domain/trusted-issuers.ts'
import { openAccess } from './access.ts'
import { withAuxiliary } from './auxiliary-tokens.ts'
import { foreignId } from './foreign-id.ts'

const baseUrl = 'https://127.0.0.1:8443'
const startMs = Date.UTC(2026, 10, 21)
const tenantId = '11111111-2222-4333-8444-555555555555'
const labTenantId = '22222222-2222-4333-8444-555555555555'
const principalId = 'aaaaaaaa-0000-4000-8000-000000000001'
const own = `${baseUrl}/${tenantId}/v2.0`
const tenancy = tenancyOf(tenantId, [])
const lab = 'https://id.example.com/realms/lab'

type KeyKind = 'RS256' | 'PS256' | 'ES256'
async function keyOf(alg: KeyKind = 'RS256'): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: randomUUID() }
}

let ownKey: JWK
let labKey: JWK
let stranger: JWK
beforeAll(async () => {
  ;[ownKey, labKey, stranger] = await Promise.all([keyOf(), keyOf(), keyOf()])
})

function publicHalf({ d: _, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...key }: JWK): JWK {
  return key
}

/** One that trusts our issuer and the one of the lab. */
function openDoors(over: Partial<TrustedIssuer['foreign'] & object> = {}, keys = [labKey]) {
  const ownSet = { keys: [publicHalf(ownKey)] }
  const labSet = { keys: keys.map(publicHalf) }
  const foreign = {
    claims: { principalId: 'sub', name: undefined, groups: 'groups', tenant: undefined } as const,
    accepts: foreignAudiences([baseUrl], []),
    ...over,
  }
  const trusted = new Map<string, TrustedIssuer>([
    [own, { issuer: own, tenantId, keys: () => ownSet }],
    [lab, { issuer: lab, tenantId: labTenantId, keys: () => labSet, foreign }],
  ])
  const { assignments, roleDefinitions } = openMemoryDirectory()
  return openAccess({
    issuerOf: (iss) => trusted.get(iss),
    audiences: armAudiences([baseUrl]),
    ...{ assignments, roleDefinitions, tenancy, isServedElsewhere: () => false },
    world: { now: () => new Date(startMs) },
  })
}

const times = { iat: startMs / 1000, nbf: startMs / 1000, exp: startMs / 1000 + 3600 }
const nowMs = () => startMs
const targets: Readonly<Record<string, () => Target>> = {
  'our own issuer': () => ({
    ...{ iss: own, key: ownKey, stranger, nowMs },
    claims: () => ({ iss: own, aud: baseUrl, oid: principalId, tid: tenantId, ...times }),
  }),
  'an issuer elsewhere': () => ({
    ...{ iss: lab, key: labKey, stranger, nowMs },
    claims: () => ({ iss: lab, aud: baseUrl, sub: principalId, ...times }),
  }),
}

describe.each(Object.keys(targets))('a token of %s', (name) => {
  const target = () => targets[name]?.() ?? expect.fail('there is such a target')

  test('is accepted when nothing is wrong with it', async () => {
    const { claims, key } = target()
    const caller = await openDoors().authenticate(`Bearer ${await signed(claims(), key)}`)
    expect(caller).toMatchObject({ principalId })
  })

  test.each(attacks)('is refused: $name', async ({ token, why }) => {
    const header = `Bearer ${await token(target())}`
    const doors = openDoors()
    const refusal = {
      name: 'ArmError',
      code: 'AuthenticationFailed',
      message: expect.stringMatching(why),
    }
    await expect(doors.authenticate(header)).rejects.toMatchObject(refusal)
    // Nothing of what was refused is remembered as good.
    await expect(doors.authenticate(header)).rejects.toMatchObject(refusal)
  })

  test.each(attacks)(
    'is refused beside a good one, as an auxiliary token: $name',
    async (attack) => {
      const { claims, key } = target()
      const { authenticate } = openDoors()
      const caller = await authenticate(`Bearer ${await signed(claims(), key)}`)
      const header = `Bearer ${await attack.token(target())}`
      await expect(withAuxiliary({ tenancy, authenticate }, caller, header)).rejects.toMatchObject({
        code: 'AuthenticationFailed',
        message: expect.stringMatching(attack.why),
      })
    },
  )

  test('is refused for one door where it was made for another', async () => {
    const { claims, key } = target()
    const graph = `Bearer ${await signed({ ...claims(), aud: `${baseUrl}/graph` }, key)}`
    const blobs = `Bearer ${await signed({ ...claims(), aud: `${baseUrl}/account1` }, key)}`
    const doors = openDoors()
    for (const header of [graph, blobs]) {
      await expect(doors.authenticate(header)).rejects.toThrow(/another audience/)
    }
  })
})

test('whatever a header or a token that is signed says, it is answered by a caller or a refusal', async () => {
  const { authenticate } = openDoors()
  const outcome = (header: string) =>
    authenticate(header).then(
      () => 'AuthenticationFailed',
      (error: unknown) => (error instanceof ArmError ? error.code : String(error)),
    )
  const part = fc.oneof(fc.string(), fc.json().map(encoded), fc.base64String())
  const unsigned = fc.array(part, { maxLength: 4 }).map((parts) => `Bearer ${parts.join('.')}`)
  await fc.assert(
    fc.asyncProperty(unsigned, async (header) => {
      expect(await outcome(header)).toBe('AuthenticationFailed')
    }),
    { numRuns: 300 },
  )
  const names = ['aud', 'sub', 'tid', 'exp', 'nbf', 'groups', 'azp', 'typ', 'idtyp', '__proto__']
  const claims = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 2 }))
  await fc.assert(
    fc.asyncProperty(claims, async (over) => {
      const body = JSON.stringify({ iss: lab, aud: baseUrl, sub: 'x', ...times, ...over })
      const token = await signedText(
        JSON.stringify({ alg: 'RS256', kid: labKey.kid }),
        body,
        labKey,
      )
      expect(await outcome(`Bearer ${token}`)).toBe('AuthenticationFailed')
    }),
    { numRuns: 300 },
  )
})

test('a token of one issuer signed with the key of another is refused', async () => {
  const doors = openDoors()
  const [ours, labs] = Object.values(targets).map((target) => target())
  if (!ours || !labs) throw new Error('there are two')
  const asOurs = await signed(ours.claims(), { ...labs.key, kid: ours.key.kid ?? '' })
  await expect(doors.authenticate(`Bearer ${asOurs}`)).rejects.toThrow(/signature is wrong/)
  const unknown = await signed(ours.claims(), labs.key)
  await expect(doors.authenticate(`Bearer ${unknown}`)).rejects.toThrow(/key of the token/)
})

test('a token of an issuer elsewhere that names our tenant is refused', async () => {
  const claims = { iss: lab, aud: baseUrl, sub: principalId, oid: principalId, tid: tenantId }
  const token = await signed({ ...claims, ...times }, labKey)
  await expect(openDoors().authenticate(`Bearer ${token}`)).rejects.toThrow(/tenant/)
})

describe('audiences of an issuer elsewhere', () => {
  const azure = [
    'https://management.azure.com',
    'https://storage.azure.com',
    'https://graph.microsoft.com',
  ]
  const urls = [baseUrl, 'https://localhost:8443']
  const opened = (listed: readonly string[], audience: string): readonly Door[] =>
    (['arm', 'blobs', 'graph'] as const).filter((door) =>
      foreignAudiences(urls, listed)(door, audience),
    )

  test('are our addresses, each at its door', () => {
    expect(opened([], 'https://localhost:8443')).toEqual(['arm', 'graph'])
    expect(opened([], `${baseUrl}/graph`)).toEqual(['graph'])
    expect(opened([], `${baseUrl}/account1`)).toEqual(['blobs'])
  })

  test('are never Azure’s own unless they are listed, and then each at its door', () => {
    for (const audience of azure) expect(opened([], audience)).toEqual([])
    expect(azure.map((audience) => opened(azure, audience))).toEqual([
      ['arm', 'graph'],
      ['blobs'],
      ['graph'],
    ])
  })

  test('that are listed open ARM and Graph, never blobs', () => {
    expect(opened(['api://Vitrine/'], 'api://vitrine')).toEqual(['arm', 'graph'])
    expect(opened(['api://vitrine'], 'api://vitrine2')).toEqual([])
  })
})

describe('keys', () => {
  test.each(['RS256', 'PS256', 'ES256'] as const)('of %s are taken', async (alg) => {
    const key = await keyOf(alg)
    const token = await signed({ iss: lab, aud: baseUrl, sub: principalId, ...times }, key)
    const caller = await openDoors({}, [key]).authenticate(`Bearer ${token}`)
    expect(caller).toMatchObject({ principalId, tenantId: labTenantId })
  })

  test('are for their own algorithm alone: PS256 with a key that is published for RS256', async () => {
    const token = await signed(
      { iss: lab, aud: baseUrl, sub: principalId, ...times },
      { ...labKey, alg: 'PS256' },
    )
    await expect(openDoors().authenticate(`Bearer ${token}`)).rejects.toThrow(/key of the token/)
  })

  test('that an issuer withdraws take back what was accepted before', async () => {
    let keys = { keys: [publicHalf(labKey)] }
    const foreign = {
      claims: { principalId: 'sub', name: undefined, groups: 'groups', tenant: undefined } as const,
      accepts: foreignAudiences([baseUrl], []),
    }
    const issuer = { issuer: lab, tenantId: labTenantId, foreign, keys: () => keys }
    const { assignments, roleDefinitions } = openMemoryDirectory()
    const doors = openAccess({
      issuerOf: () => issuer,
      audiences: [],
      ...{ assignments, roleDefinitions, tenancy, isServedElsewhere: () => false },
      world: { now: () => new Date(startMs) },
    })
    const token = await signed({ iss: lab, aud: baseUrl, sub: principalId, ...times }, labKey)
    await doors.authenticate(`Bearer ${token}`)
    keys = { keys: [publicHalf(await keyOf())] }
    await expect(doors.authenticate(`Bearer ${token}`)).rejects.toThrow(/key of the token/)
  })
})

describe('ids of another directory', () => {
  test('are taken as they are when they are GUIDs, and no text becomes somebody else’s', () => {
    const guid = 'AAAAAAAA-0000-4000-8000-000000000001'
    expect(foreignId('principal', guid, labTenantId)).toBe(guid.toLowerCase())
    const ann = foreignId('principal', 'ann', labTenantId)
    // uuidgen --sha1 -n 22222222-2222-4333-8444-555555555555 -N ann
    expect(ann).toBe('85070357-c937-5c4a-ac37-ef95310e29ed')
    expect(foreignId('principal', 'ann', tenantId)).not.toBe(ann)
    expect(foreignId('group', 'ann', labTenantId)).not.toBe(ann)
    // Who calls himself by the id of another is not that one.
    expect(foreignId('principal', ann, labTenantId)).not.toBe(ann)
    expect(foreignId('group', ann, labTenantId)).not.toBe(ann)
  })
})
