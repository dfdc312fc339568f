import { randomUUID } from 'node:crypto'
import {
  AccountSASPermissions,
  BlobSASPermissions,
  BlobServiceClient,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const hour = 3_600_000

/** Who may do what on blobs: keys, SAS, tokens. */
describe('access to blobs', () => {
  const world = openMovingWorld()
  let vitrine: TestInstallation
  let arm: Arm
  let account: BlobAccount
  beforeAll(async () => {
    vitrine = await openTestInstallation({ world })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    account = await makeAccount(vitrine, arm, 'access1')
    const box = await account.container('box')
    await box.getBlockBlobClient('there').upload('hello', 5)
    await box.getBlockBlobClient('other').upload('other', 5)
  })
  afterAll(() => vitrine.close())

  const later = () => new Date(world.now().getTime() + hour)

  const raw = async (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ) => {
    const url = `${account.endpoint}${path}`
    const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) })
    return {
      status: answer.status,
      code: answer.headers.get('x-ms-error-code'),
      challenge: answer.headers.get('www-authenticate'),
      text: await answer.text(),
    }
  }

  const blobSas = (permissions: string, blobName = 'there', more: object = {}) =>
    generateBlobSASQueryParameters(
      {
        containerName: 'box',
        blobName,
        permissions: BlobSASPermissions.parse(permissions),
        expiresOn: later(),
        ...more,
      },
      account.credential,
    ).toString()
  const boxSas = (permissions: string) =>
    generateBlobSASQueryParameters(
      {
        containerName: 'box',
        permissions: ContainerSASPermissions.parse(permissions),
        expiresOn: later(),
      },
      account.credential,
    ).toString()
  const accountSas = (permissions: string, resourceTypes: string) =>
    generateAccountSASQueryParameters(
      {
        permissions: AccountSASPermissions.parse(permissions),
        expiresOn: later(),
        resourceTypes,
        services: 'b',
      },
      account.credential,
    ).toString()

  const put = { 'x-ms-blob-type': 'BlockBlob' }

  it('a SAS of a blob reads it, for as long as it is signed for, and nothing else', async () => {
    const sas = blobSas('r')
    expect(await raw('GET', `/box/there?${sas}`)).toMatchObject({ status: 200, text: 'hello' })
    for (const [method, path] of [
      ['GET', '/box/other'],
      ['GET', '/elsewhere/there'],
      ['GET', '/box'],
    ] as const) {
      const restype = path === '/box' ? '&restype=container&comp=list' : ''
      const refused = await raw(method, `${path}?${sas}${restype}`)
      expect([path, refused.status, refused.code]).toEqual([path, 403, 'AuthenticationFailed'])
      expect(refused.text).toContain('<AuthenticationErrorDetail>')
      expect(refused.text).not.toContain(new URLSearchParams(sas).get('sig'))
    }
    for (const [method, query] of [
      ['PUT', ''],
      ['DELETE', ''],
      ['PUT', '&comp=metadata'],
      ['PUT', '&comp=block&blockid=AAAA'],
    ] as const) {
      const refused = await raw(method, `/box/there?${sas}${query}`, put, 'x')
      expect([method, query, refused.code]).toEqual([
        method,
        query,
        'AuthorizationPermissionMismatch',
      ])
    }
  })

  it('a SAS may say how the blob is shown', async () => {
    const sas = blobSas('r', 'there', { contentType: 'text/x-mine', contentDisposition: 'inline' })
    const answer = await fetch(`${account.endpoint}/box/there?${sas}`)
    expect(answer.headers.get('content-type')).toBe('text/x-mine')
    expect(answer.headers.get('content-disposition')).toBe('inline')
    expect(answer.headers.get('content-security-policy')).toBe('sandbox')
  })

  it('a SAS that may create does not write over', async () => {
    const made = await raw('PUT', `/box/made?${blobSas('c', 'made')}`, put, 'one')
    expect(made.status).toBe(201)
    const over = await raw('PUT', `/box/made?${blobSas('c', 'made')}`, put, 'two')
    expect([over.status, over.code]).toEqual([403, 'UnauthorizedBlobOverwrite'])
    expect((await raw('PUT', `/box/made?${blobSas('w', 'made')}`, put, 'two')).status).toBe(201)
    expect((await raw('DELETE', `/box/made?${blobSas('d', 'made')}`)).status).toBe(202)
  })

  it('a SAS of a container reaches its blobs and their list, never the container itself', async () => {
    const sas = boxSas('rl')
    expect((await raw('GET', `/box/there?${sas}`)).text).toBe('hello')
    const list = await raw('GET', `/box?restype=container&comp=list&${sas}`)
    expect([list.status, list.text]).toEqual([200, expect.stringContaining('<Name>there</Name>')])
    const all = boxSas('racwdl')
    for (const [method, comp] of [
      ['GET', ''],
      ['DELETE', ''],
      ['PUT', '&comp=metadata'],
    ] as const) {
      const refused = await raw(method, `/box?restype=container${comp}&${all}`)
      expect([method, refused.status, refused.code]).toEqual([method, 403, 'AuthorizationFailure'])
    }
    const unlisted = await raw('GET', `/box?restype=container&comp=list&${boxSas('r')}`)
    expect(unlisted.code).toBe('AuthorizationPermissionMismatch')
  })

  it('a SAS of an account reaches the kinds of things it names', async () => {
    expect((await raw('GET', `/?comp=list&${accountSas('l', 's')}`)).text).toContain(
      '<Name>box</Name>',
    )
    expect((await raw('GET', `/box/there?${accountSas('r', 'o')}`)).text).toBe('hello')
    const made = await raw('PUT', `/fresh?restype=container&${accountSas('c', 'c')}`)
    expect(made.status).toBe(201)
    const wrongKind = await raw('GET', `/?comp=list&${accountSas('rl', 'co')}`)
    expect(wrongKind.code).toBe('AuthorizationResourceTypeMismatch')
    const acl = await raw('GET', `/box?restype=container&comp=acl&${accountSas('rwl', 'sco')}`)
    expect(acl.code).toBe('AuthorizationPermissionMismatch')
  })

  it('a key that is made anew takes its SAS with it; the other key’s live on', async () => {
    const own = await makeAccount(vitrine, arm, 'turned1')
    await (await own.container('box')).getBlockBlobClient('x').upload('x', 1)
    const [key1 = '', key2 = ''] = await own.keys()
    const read = async (key: string) => {
      const service = new BlobServiceClient(
        own.endpoint,
        new StorageSharedKeyCredential(own.name, key),
      )
      const url = await service
        .getContainerClient('box')
        .getBlobClient('x')
        .generateSasUrl({ permissions: BlobSASPermissions.parse('r'), expiresOn: later() })
      return (await fetch(url)).status
    }
    expect([await read(key1), await read(key2)]).toEqual([200, 200])
    await own.act('regenerateKey', { keyName: 'key1' })
    expect([await read(key1), await read(key2)]).toEqual([403, 200])
    await expect(own.container('box')).rejects.toMatchObject({ statusCode: 403 })
  })

  it('requests that nobody signed, or badly, are told how to sign', async () => {
    const bare = await raw('GET', '/box/there')
    expect([bare.status, bare.code]).toEqual([401, 'NoAuthenticationInformation'])
    expect(bare.challenge).toContain('resource_id=https://storage.azure.com')
    const date = world.now().toUTCString()
    for (const [authorization, at, status, code] of [
      ['SharedKey access1:AAAA', date, 403, 'AuthenticationFailed'],
      ['SharedKey access1:AAAA', 'Mon, 01 Jan 2024 00:00:00 GMT', 403, 'AuthenticationFailed'],
      ['SharedKeyLite access1:AAAA', date, 401, 'InvalidAuthenticationInfo'],
      ['Basic eDp5', date, 401, 'InvalidAuthenticationInfo'],
      ['Bearer nothing', date, 401, 'InvalidAuthenticationInfo'],
      [`Bearer ${vitrine.token}`, date, 401, 'InvalidAuthenticationInfo'],
    ] as const) {
      const answer = await raw('GET', '/box/there', { authorization, 'x-ms-date': at })
      expect([authorization.slice(0, 20), answer.status, answer.code]).toEqual([
        authorization.slice(0, 20),
        status,
        code,
      ])
    }
    const never = await fetch(`${vitrine.url}/neverwas/box/there?${blobSas('r')}`)
    expect(never.status).toBe(403)
  })

  it('a Shared Key request is good for its own path, method and quarter of an hour', async () => {
    const service = account.service
    const blob = service.getContainerClient('box').getBlockBlobClient('there')
    await blob.downloadToBuffer()
    const stranger = new StorageSharedKeyCredential(
      'access1',
      Buffer.alloc(64, 1).toString('base64'),
    )
    const forged = new BlobServiceClient(account.endpoint, stranger, {
      retryOptions: { maxTries: 1 },
    })
    await expect(forged.getContainerClient('box').getProperties()).rejects.toMatchObject({
      statusCode: 403,
    })
  })

  it('allowSharedKeyAccess false: keys and SAS open nothing, tokens do', async () => {
    const closed = await makeAccount(vitrine, arm, 'closed1', { allowSharedKeyAccess: false })
    await expect(closed.container('box')).rejects.toMatchObject({
      code: 'KeyBasedAuthenticationNotPermitted',
    })
  })

  it('tokens for blobs open what roles on data allow; an Owner is no reader of blobs', async () => {
    const scope = account.id
    const cases = [
      ['storageBlobDataReader', 200, 403, 403],
      ['storageBlobDataContributor', 200, 201, 202],
      ['owner', 403, 403, 403],
    ] as const
    for (const [role, read, write, remove] of cases) {
      const roleId = builtInRoles[role].id
      const other = await openOtherCaller(vitrine, [{ roleId, scope }])
      const authorization = `Bearer ${await other.tokenFor('https://storage.azure.com')}`
      const headers = { authorization, 'x-ms-version': '2021-06-08' }
      expect([role, (await raw('GET', '/box/there', headers)).status]).toEqual([role, read])
      const written = await raw('PUT', '/box/by-role', { ...headers, ...put }, 'x')
      expect([role, written.status]).toEqual([role, write])
      expect([role, (await raw('DELETE', '/box/by-role', headers)).status]).toEqual([role, remove])
      const elsewhere = await fetch(`${vitrine.url}/turned1/box/x`, { headers })
      expect([role, elsewhere.status]).toEqual([role, 403])
    }
  })

  it('R33 a role on data over one container opens that container alone, until it is gone', async () => {
    const narrow = await makeAccount(vitrine, arm, 'narrow1')
    for (const name of ['mine', 'yours']) {
      await (await narrow.container(name)).getBlockBlobClient('there').upload('x', 1)
    }
    const reader = await openOtherCaller(vitrine, [])
    const scope = `${narrow.id}/blobServices/default/containers/mine`
    const roles = '/providers/Microsoft.Authorization'
    const properties = {
      principalId: reader.objectId,
      roleDefinitionId: `${roles}/roleDefinitions/${builtInRoles.storageBlobDataReader.id}`,
    }
    const give = (at: string) =>
      arm.put(`${at}${roles}/roleAssignments/${randomUUID()}`, { properties })
    expect((await give(scope)).status).toBe(201)
    expect(errorOf(await give(`${scope}2`)).code).toBe('ResourceNotFound')
    const authorization = `Bearer ${await reader.tokenFor('https://storage.azure.com')}`
    const headers = { authorization, 'x-ms-version': '2021-06-08' }
    const read = async (container: string) =>
      (await fetch(`${vitrine.url}/narrow1/${container}/there`, { headers })).status
    expect([await read('mine'), await read('yours')]).toEqual([200, 403])
    await narrow.service.deleteContainer('mine')
    await (await narrow.container('mine')).getBlockBlobClient('there').upload('x', 1)
    world.move(2_000)
    expect(await read('mine')).toBe(403)
  })

  it('a token for one account’s own address opens that account alone', async () => {
    const roleId = builtInRoles.storageBlobDataReader.id
    const other = await openOtherCaller(vitrine, [{ roleId, scope: arm.groupPath }])
    const authorization = `Bearer ${await other.tokenFor(account.endpoint)}`
    const headers = { authorization, 'x-ms-version': '2021-06-08' }
    expect((await raw('GET', '/box/there', headers)).status).toBe(200)
    const elsewhere = await fetch(`${vitrine.url}/turned1/box/x`, { headers })
    expect(elsewhere.status).toBe(401)
  })

  it('stored policies, but takes a list of none', async () => {
    const box = account.service.getContainerClient('box')
    await box.setAccessPolicy(undefined, [])
    const policy = { id: 'p', accessPolicy: { permissions: 'r', expiresOn: new Date() } }
    await expect(box.setAccessPolicy(undefined, [policy])).rejects.toMatchObject({
      code: 'FeatureNotSupported',
    })
  })

  it('blocks whose ids have another length than those that wait', async () => {
    const blob = account.service.getContainerClient('box').getBlockBlobClient('lengths')
    await blob.stageBlock('AAAA', 'x', 1)
    await expect(blob.stageBlock('AAAAAAAA', 'x', 1)).rejects.toMatchObject({
      code: 'InvalidBlobOrBlock',
    })
  })

  it('to write or delete what a resource is being made from, until it is made', async () => {
    const own = await makeAccount(vitrine, arm, 'read1')
    const box = await own.container('box')
    const blob = box.getPageBlobClient('source.vhd')
    await blob.create(512)
    const { store } = vitrine.installation
    const key = own.id.toLowerCase()
    const name = { account: key, container: 'box', name: 'source.vhd' }
    const found = await store.read.blobs.find(name)
    const reader = `${arm.groupPath}/disks/d`.toLowerCase()
    expect(await store.write((rows) => rows.blobs.read(found?.upload ?? '', reader))).toBe(true)
    const leased = { statusCode: 412, code: 'LeaseIdMissing' }
    await expect(blob.uploadPages(Buffer.alloc(512), 0, 512)).rejects.toMatchObject(leased)
    await expect(blob.create(512)).rejects.toMatchObject(leased)
    await expect(blob.setMetadata({ a: 'b' })).rejects.toMatchObject(leased)
    await expect(blob.resize(1024)).rejects.toMatchObject(leased)
    await expect(blob.delete()).rejects.toMatchObject(leased)
    await expect(box.delete()).rejects.toMatchObject(leased)
    expect((await blob.getProperties()).leaseState).toBe('leased')
    expect((await blob.downloadToBuffer()).length).toBe(512)
    const kept = await own.remove()
    expect([kept.status, errorOf(kept).code]).toEqual([409, 'Conflict'])
    const api = '2023-01-01'
    const overArm = await arm.ask('DELETE', `${own.id}/blobServices/default/containers/box`, {
      api,
    })
    expect([overArm.status, errorOf(overArm).code]).toEqual([409, 'Conflict'])
    await store.write((rows) => rows.blobs.released(reader))
    await blob.setMetadata({ a: 'b' })
    await blob.delete()
    expect((await own.remove()).status).toBe(200)
  })

  it('a SAS ends when it says', async () => {
    const ending = (inMs: number) =>
      blobSas('r', 'there', { expiresOn: new Date(world.now().getTime() + inMs) })
    expect((await raw('GET', `/box/there?${ending(60_000)}`)).status).toBe(200)
    const expired = await raw('GET', `/box/there?${ending(-60_000)}`)
    expect([expired.status, expired.code]).toEqual([403, 'AuthenticationFailed'])
    expect(expired.text).toContain('has expired')
  })
})
