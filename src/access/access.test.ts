import { createHmac, createPublicKey, randomUUID } from 'node:crypto'
import { exportSPKI, importJWK, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { grant } from '../../test/support/grants.ts'
import { openMemoryDirectory } from '../../test/support/memory-directory.ts'
import { armAudiences } from '../domain/audiences.ts'
import { tenancyOf } from '../domain/tenants.ts'
import { openSigningKeys, type SigningKeys } from '../identity/signing-keys.ts'
import { openAccess } from './access.ts'
import { builtInRoles } from './built-in-roles.ts'
import { challenge } from './challenge.ts'

const baseUrl = 'https://127.0.0.1:8443'
const tenantId = '11111111-2222-3333-4444-555555555555'
const issuer = `${baseUrl}/${tenantId}/v2.0`
const principalId = 'aaaaaaaa-0000-0000-0000-000000000001'
const startMs = Date.UTC(2026, 10, 21)
const gallery = '/subscriptions/s/resourcegroups/g/providers/microsoft.compute/galleries/one'
const readAction = 'Microsoft.Compute/galleries/read'

let keys: SigningKeys
let foreignKeys: SigningKeys
beforeAll(async () => {
  keys = await openSigningKeys(openMemoryDirectory().secrets, { now: () => new Date() })
  foreignKeys = await openSigningKeys(openMemoryDirectory().secrets, { now: () => new Date() })
})

let nowMs: number
let loads: number
let directory: ReturnType<typeof openMemoryDirectory>
let access: ReturnType<typeof openAccess>
beforeEach(() => {
  nowMs = startMs
  loads = 0
  directory = openMemoryDirectory()
  access = openAccess({
    issuerOf: (iss) => (iss === issuer ? { issuer, tenantId, keys: keys.verifying } : undefined),
    audiences: armAudiences([baseUrl]),
    assignments: {
      ...directory.assignments,
      heldBy: (holder) => {
        loads += 1
        return directory.assignments.heldBy(holder)
      },
    },
    roleDefinitions: directory.roleDefinitions,
    tenancy: tenancyOf(tenantId, []),
    isServedElsewhere: () => false,
    world: { now: () => new Date(nowMs) },
  })
})

function claims(over: JWTPayload = {}): JWTPayload {
  const nowS = startMs / 1000
  const times = { iat: nowS, nbf: nowS, exp: nowS + 3600 }
  return {
    iss: issuer,
    aud: `${baseUrl}/`,
    oid: principalId,
    tid: tenantId,
    idtyp: 'app',
    ...times,
    ...over,
  }
}

async function tokenOf(payload: JWTPayload, signer = keys, header: { kid?: string } = {}) {
  const [key] = (await signer.signing()).keys
  if (!key) throw new Error('there is a key')
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: key.kid, ...header })
    .sign(await importJWK(key, 'RS256'))
}

function refusal(authorization: string | undefined, why: RegExp) {
  return expect(access.authenticate(authorization)).rejects.toMatchObject({
    name: 'ArmError',
    code: 'AuthenticationFailed',
    message: expect.stringMatching(why),
  })
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a token', () => {
  test('of our issuer makes a caller', async () => {
    const token = await tokenOf(claims({ appid: 'the-app' }))
    expect(await access.authenticate(`Bearer ${token}`)).toMatchObject({
      principalId,
      tenantId,
      name: 'the-app',
      kind: 'Application',
    })
    await expect(access.authenticate(`bearer ${token}`)).resolves.toBeDefined()
  })

  test('that is missing or malformed is refused', async () => {
    await refusal(undefined, /header is missing/)
    await refusal('', /header is missing/)
    await refusal('Basic dTpw', /invalid format/)
    await refusal('Bearer', /invalid format/)
    await refusal('Bearer a b', /invalid format/)
    await refusal('Bearer not-a-token', /not a signed JSON Web Token/)
    await refusal('Bearer a.b.c', /not a signed JSON Web Token/)
    await refusal(
      `Bearer ${encoded({})}.${encoded([1])}.c`,
      /not a signed JSON Web Token|not one that/,
    )
    await refusal(`Bearer ${'x'.repeat(20_000)}`, /invalid format/)
  })

  test('that has expired is refused, also one that was accepted before', async () => {
    const header = `Bearer ${await tokenOf(claims())}`
    await access.authenticate(header)
    nowMs = startMs + 3_659_000
    await access.authenticate(header)
    nowMs = startMs + 3_660_000
    await refusal(header, /has expired/)
  })

  test('that is not valid yet is refused', async () => {
    const token = await tokenOf(claims({ nbf: startMs / 1000 + 120 }))
    await refusal(`Bearer ${token}`, /not valid yet/)
  })

  test('of a foreign issuer is refused, also when signed with our key', async () => {
    const payload = claims({ iss: 'https://login.microsoftonline.com/x/v2.0' })
    await refusal(`Bearer ${await tokenOf(payload)}`, /issuer .*: iss is 'https:/)
    await refusal(`Bearer ${await tokenOf(payload, foreignKeys)}`, /issuer/)
  })

  test('with an unknown kid is refused', async () => {
    await refusal(`Bearer ${await tokenOf(claims(), foreignKeys)}`, /key of the token is not known/)
  })

  test('signed by a foreign key under our kid is refused', async () => {
    const [ours] = (await keys.verifying()).keys
    const token = await tokenOf(claims(), foreignKeys, { kid: ours?.kid ?? '' })
    await refusal(`Bearer ${token}`, /signature is wrong/)
  })

  test('whose payload was tampered with is refused', async () => {
    const [header, , signature] = (await tokenOf(claims())).split('.')
    const forged = encoded(claims({ oid: 'somebody-else' }))
    await refusal(`Bearer ${header}.${forged}.${signature}`, /signature is wrong/)
  })

  test('with alg none is refused, signed or not', async () => {
    const head = encoded({ alg: 'none', typ: 'JWT' })
    await refusal(`Bearer ${head}.${encoded(claims())}.`, /RS256|not a signed/)
    const [, payload, signature] = (await tokenOf(claims())).split('.')
    await refusal(`Bearer ${head}.${payload}.${signature}`, /RS256/)
  })

  test('with HS256 keyed by our public key is refused', async () => {
    const [key] = (await keys.verifying()).keys
    if (!key) throw new Error('there is a key')
    const pem = await exportSPKI(createPublicKey({ key, format: 'jwk' }))
    const signed = `${encoded({ alg: 'HS256', kid: key.kid })}.${encoded(claims())}`
    const mac = createHmac('sha256', pem).update(signed).digest('base64url')
    await refusal(`Bearer ${signed}.${mac}`, /RS256/)
  })

  test('for another audience is refused, and told which to ask for', async () => {
    const token = await tokenOf(claims({ aud: 'https://graph.microsoft.com' }))
    await refusal(`Bearer ${token}`, /another audience.*https:\/\/127\.0\.0\.1:8443/)
    const near = await tokenOf(claims({ aud: `${baseUrl}.evil.example` }))
    await refusal(`Bearer ${near}`, /another audience/)
  })

  test('that names another tenant, or lacks a claim, is refused', async () => {
    await refusal(`Bearer ${await tokenOf(claims({ tid: randomUUID() }))}`, /tenant/)
    const { oid: _, ...noObject } = claims()
    await refusal(`Bearer ${await tokenOf(noObject)}`, /lacks a claim/)
    const { exp: __, ...noEnd } = claims()
    await refusal(`Bearer ${await tokenOf(noEnd)}`, /'exp'|lacks a claim/)
  })
})

describe('assignments', () => {
  const roleId = builtInRoles.reader.id
  const reader = grant({ id: 'r1', principalId, roleId, scope: gallery })

  test('nothing is allowed without one', async () => {
    const caller = await access.authenticate(`Bearer ${await tokenOf(claims())}`)
    expect(caller.may(readAction, gallery)).toBe(false)
    expect(caller.visible(readAction)).toEqual([])
  })

  test('a change made here is seen by the next request', async () => {
    const header = `Bearer ${await tokenOf(claims())}`
    await access.authenticate(header)
    await access.roles.assignments.put(reader)
    expect((await access.authenticate(header)).may(readAction, gallery)).toBe(true)
    await access.roles.assignments.remove('r1', '')
    expect((await access.authenticate(header)).may(readAction, gallery)).toBe(false)
  })

  test('a load that a change overtook is not kept', async () => {
    const header = `Bearer ${await tokenOf(claims())}`
    await access.authenticate(header)
    nowMs += 10_000
    const early = access.authenticate(header)
    await access.roles.assignments.put(reader)
    await early
    expect((await access.authenticate(header)).may(readAction, gallery)).toBe(true)
  })

  test('a change made elsewhere is seen within seconds, and rows are not read for each request', async () => {
    const header = `Bearer ${await tokenOf(claims())}`
    await access.authenticate(header)
    await directory.assignments.put(reader)
    await access.authenticate(header)
    expect(loads).toBe(1)
    nowMs += 2_000
    expect((await access.authenticate(header)).may(readAction, gallery)).toBe(true)
    expect(loads).toBe(2)
  })
})

test('the challenge is in Azure form and cannot be broken out of', () => {
  expect(challenge(`${baseUrl}/${tenantId}`, 'say "no"\r\nX: y')).toBe(
    `Bearer authorization_uri="${baseUrl}/${tenantId}", error="invalid_token", error_description="say 'no'''X: y"`,
  )
})
