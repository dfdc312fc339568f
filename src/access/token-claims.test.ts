import { describe, expect, test } from 'vitest'
import type { ForeignClaims } from '../domain/trusted-issuers.ts'
import { foreignId } from './foreign-id.ts'
import { readClaims } from './token-claims.ts'

const tenantId = '22222222-2222-4333-8444-555555555555'
const oid = 'aaaaaaaa-0000-4000-8000-00000000000a'
const appId = 'aaaaaaaa-0000-4000-8000-00000000000c'
const groups = ['BBBBBBBB-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002']
const usual = { name: undefined, groups: 'groups', tenant: undefined }
const entra: ForeignClaims = { ...usual, principalId: 'oid' }
const keycloak: ForeignClaims = { ...usual, principalId: 'sub' }
const common = { aud: 'api://vitrine', exp: 1 }

function subjectOf(payload: object, claims: ForeignClaims) {
  const read = readClaims({ ...common, ...payload }, tenantId, claims)
  if ('lacks' in read) throw new Error(read.lacks)
  return read.subject
}

describe('Entra ID', () => {
  const base = { oid, tid: tenantId, sub: 'pairwise-of-the-user' }

  test('v1: a user by oid, with upn and groups; no client id of another directory is taken for one of ours', () => {
    const token = {
      ...{ ...base, ver: '1.0', iss: `https://sts.windows.net/${tenantId}/` },
      ...{ appid: appId, appidacr: '0', scp: 'user_impersonation' },
      ...{ upn: 'ann@example.com', unique_name: 'ann@example.com', groups },
    }
    expect(subjectOf(token, entra)).toEqual({
      principalId: oid,
      name: 'ann@example.com',
      kind: 'User',
      groups: groups.map((group) => group.toLowerCase()).sort(),
    })
  })

  test('v2: a user by preferred_username', () => {
    const token = { ...base, ver: '2.0', azp: appId, azpacr: '0', scp: 'user_impersonation' }
    expect(subjectOf({ ...token, preferred_username: 'ann@example.com' }, entra)).toEqual({
      ...{ principalId: oid, name: 'ann@example.com', kind: 'User' },
    })
  })

  test('an application by its client id, with idtyp and without', () => {
    const v1 = { oid, sub: oid, tid: tenantId, appid: appId, appidacr: '1', ver: '1.0' }
    const v2 = { oid, sub: oid, tid: tenantId, azp: appId, azpacr: '1', ver: '2.0' }
    const told = { principalId: oid, name: appId, kind: 'Application' }
    expect(subjectOf(v1, entra)).toEqual(told)
    expect(subjectOf({ ...v1, idtyp: 'app' }, entra)).toEqual(told)
    expect(subjectOf(v2, entra)).toEqual(told)
    expect(subjectOf({ ...base, azp: appId, idtyp: 'user' }, entra).kind).toBe('User')
  })

  test('an ID token is none: it names no application', () => {
    const token = { ...common, ...base, ver: '2.0', preferred_username: 'ann@example.com' }
    expect(readClaims(token, tenantId, entra)).toEqual({
      lacks: 'appid or azp is needed, which an ID token has not',
    })
  })

  test.each([
    ['hasgroups', { hasgroups: true }],
    ['hasgroups as text', { hasgroups: 'true' }],
    ['_claim_names', { _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } }],
    ['more than are read', { groups: Array.from({ length: 1_001 }, (_, at) => `group ${at}`) }],
    ['no list', { groups: 'all' }],
    ['a list of something else', { groups: [1] }],
  ])('groups that the token does not list are none, and that is told: %s', (_, over) => {
    const subject = subjectOf({ ...base, azp: appId, groups, ...over }, entra)
    expect(subject.groups).toBeUndefined()
    expect(subject.remark).toMatch(/does not list the groups.*overage/)
  })

  test('a token without oid or tid is none', () => {
    const { oid: _, ...noObject } = base
    expect(readClaims({ ...common, ...noObject }, tenantId, entra)).toEqual({
      lacks: 'oid is needed',
    })
    const { tid: __, ...noTenant } = base
    expect(readClaims({ ...common, ...noTenant }, tenantId, entra)).toEqual({
      lacks: 'tid is needed',
    })
  })
})

describe('Keycloak', () => {
  const base = { sub: oid, typ: 'Bearer', azp: 'vitrine-cli', realm_access: { roles: ['admin'] } }

  test('a user by sub and preferred_username; groups by their paths; roles of the realm give nothing', () => {
    const token = { ...base, preferred_username: 'ann', email: 'ann@example.com' }
    expect(subjectOf({ ...token, groups: ['/images', groups[1]] }, keycloak)).toEqual({
      principalId: oid,
      name: 'ann',
      kind: 'User',
      groups: [foreignId('group', '/images', tenantId), groups[1]].sort(),
    })
  })

  test('a service account is an application', () => {
    const account = { client_id: 'pipeline', preferred_username: 'service-account-pipeline' }
    expect(subjectOf({ ...base, azp: 'pipeline', ...account }, keycloak)).toEqual({
      ...{ principalId: oid, name: 'pipeline', kind: 'Application' },
    })
  })

  test('audiences may be several', () => {
    const aud = ['account', 'https://Images.example.com/']
    expect(readClaims({ ...base, exp: 1, aud }, tenantId, keycloak)).toMatchObject({
      audiences: ['account', 'https://images.example.com'],
    })
    const many = Array.from({ length: 51 }, (_, at) => `a${at}`)
    expect(readClaims({ ...base, exp: 1, aud: many }, tenantId, keycloak)).toHaveProperty('lacks')
  })
})

describe('any issuer', () => {
  test('an application of RFC 9068 is its own subject', () => {
    const subject = subjectOf({ sub: 'pipeline', client_id: 'pipeline' }, keycloak)
    const principalId = foreignId('principal', 'pipeline', tenantId)
    expect(subject).toEqual({ principalId, name: 'pipeline', kind: 'Application' })
  })

  test('name, groups and tenant are read from the claims that the configuration names', () => {
    const claims = { ...keycloak, name: 'nick', groups: 'https://x/groups', tenant: 'org' }
    const token = { sub: oid, nick: 'Ann', 'https://x/groups': groups, groups: ['/other'] }
    expect(readClaims({ ...common, ...token }, tenantId, claims)).toEqual({
      lacks: 'org is needed',
    })
    const read = readClaims({ ...common, ...token, org: tenantId }, tenantId, claims)
    expect(read).toMatchObject({ tenant: tenantId, subject: { name: 'Ann' } })
    expect(read).toHaveProperty('subject.groups.length', 2)
  })

  test('a claim of another type is none', () => {
    expect(readClaims({ ...common, sub: 7 }, tenantId, keycloak)).toEqual({
      lacks: 'sub is needed',
    })
    expect(readClaims({ ...common, sub: '' }, tenantId, keycloak)).toHaveProperty('lacks')
    expect(readClaims({ ...common, sub: 'x'.repeat(600) }, tenantId, keycloak)).toHaveProperty(
      'lacks',
    )
    expect(readClaims('text', tenantId, keycloak)).toHaveProperty('lacks')
  })
})
