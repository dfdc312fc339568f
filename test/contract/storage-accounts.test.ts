import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { valueAt } from '../../src/resources/paths.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2023-01-01'
const west = { location: 'westeurope' }
const body = { ...west, kind: 'StorageV2', sku: { name: 'Standard_LRS' } }

describe('storage accounts over ARM', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, west)
  })
  afterAll(() => vitrine.close())

  const idOf = (name: string) =>
    `${arm.groupPath}/providers/Microsoft.Storage/storageAccounts/${name}`
  const ask = (method: string, path: string, sent?: unknown) =>
    arm.ask(method, idOf(path), { api, ...(sent !== undefined && { body: sent }) })
  const keysOf = async (name: string) => {
    const { body: told } = await ask('POST', `${name}/listKeys`, {})
    return [valueAt(told, 'keys')].flat().map((key) => valueAt(key ?? null, 'value'))
  }

  it('are made as Azure makes them: 202 with a Location, whose last answer is the account', async () => {
    const made = await ask('PUT', 'wire1', { ...body, tags: { a: 'b' } })
    expect([made.status, made.headers.has('azure-asyncoperation')]).toEqual([202, false])
    const location = new URL(made.headers.get('location') ?? '')
    expect(location.pathname).toMatch(
      /\/providers\/Microsoft.Storage\/locations\/westeurope\/asyncoperations\//,
    )
    const polled = await arm.ask('GET', `${location.pathname}${location.search}`)
    const read = await ask('GET', 'wire1')
    expect([polled.status, polled.body]).toEqual([200, read.body])
    expect(read.body).toMatchObject({
      name: 'wire1',
      type: 'Microsoft.Storage/storageAccounts',
      kind: 'StorageV2',
      sku: { name: 'Standard_LRS', tier: 'Standard' },
      tags: { a: 'b' },
      properties: {
        provisioningState: 'Succeeded',
        primaryEndpoints: { blob: `${vitrine.url}/wire1/` },
        primaryLocation: 'westeurope',
        statusOfPrimary: 'available',
      },
    })
    expect(JSON.stringify(read.body)).not.toMatch(/turn|uniqueId/)
    const again = await ask('PUT', 'wire1', body)
    expect(again.status).toBe(200)
    const patched = await ask('PATCH', 'wire1', { properties: { accessTier: 'Cool' } })
    expect([patched.status, valueAt(patched.body, 'properties.accessTier')]).toEqual([200, 'Cool'])
    const listed = await arm.ask('GET', idOf('').slice(0, -1), { api })
    expect(valueAt(listed.body, 'value')).toHaveLength(1)
    expect((await ask('DELETE', 'wire1')).status).toBe(200)
    expect((await ask('DELETE', 'wire1')).status).toBe(204)
    expect((await ask('GET', 'wire1')).status).toBe(404)
  })

  it('have two keys, each made anew alone; another account of the same name has others', async () => {
    await ask('PUT', 'keys1', body)
    const [key1, key2] = await keysOf('keys1')
    expect(Buffer.from(String(key1), 'base64')).toHaveLength(64)
    expect(key1).not.toBe(key2)
    const { status, body: told } = await ask('POST', 'keys1/regenerateKey', { keyName: 'key1' })
    expect(status).toBe(200)
    const fresh = [valueAt(told, 'keys')].flat().map((key) => valueAt(key ?? null, 'value'))
    expect(fresh[0]).not.toBe(key1)
    expect(fresh[1]).toBe(key2)
    expect(await keysOf('keys1')).toEqual(fresh)
    const refused = await ask('POST', 'keys1/regenerateKey', { keyName: 'kerb1' })
    expect([refused.status, errorOf(refused).code]).toEqual([400, 'InvalidParameter'])
    await ask('DELETE', 'keys1')
    await ask('PUT', 'keys1', body)
    expect(await keysOf('keys1')).not.toContain(key2)
  })

  it('have a name that is there once, however many ask', async () => {
    const check = async (name: string) => {
      const path = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Storage/checkNameAvailability`
      const sent = { name, type: 'Microsoft.Storage/storageAccounts' }
      return (await arm.ask('POST', path, { api, body: sent })).body
    }
    expect(await check('once1')).toEqual({ nameAvailable: true })
    await ask('PUT', 'once1', body)
    expect(await check('once1')).toMatchObject({ nameAvailable: false, reason: 'AlreadyExists' })
    expect(await check('No_Name')).toMatchObject({ reason: 'AccountNameInvalid' })
    await arm.put(`${arm.groupPath}2`, west)
    const other = idOf('once1').replace(arm.groupPath, `${arm.groupPath}2`)
    const refused = await arm.ask('PUT', other, { api, body })
    expect([refused.status, errorOf(refused).code]).toEqual([409, 'StorageAccountAlreadyTaken'])
  })

  it.each(['ab', 'With-Dash', 'UPPER', 'a'.repeat(25), 'healthz'])(
    'the name %s is refused',
    async (name) => {
      const refused = await ask('PUT', name, body)
      expect([refused.status, errorOf(refused).code]).toEqual([400, 'AccountNameInvalid'])
    },
  )

  it.each([
    ['kind', { kind: 'FileStorage' }],
    ['properties.isHnsEnabled', { properties: { isHnsEnabled: true } }],
    ['properties.isSftpEnabled', { properties: { isSftpEnabled: true } }],
    [
      'properties.encryption.keySource',
      { properties: { encryption: { keySource: 'Microsoft.Keyvault' } } },
    ],
    [
      'properties.networkAcls.defaultAction',
      { properties: { networkAcls: { defaultAction: 'Deny' } } },
    ],
    ['properties.publicNetworkAccess', { properties: { publicNetworkAccess: 'Disabled' } }],
    ['properties.dnsEndpointType', { properties: { dnsEndpointType: 'AzureDnsZone' } }],
  ])('what cannot be had is refused: %s', async (target, more) => {
    const refused = await ask('PUT', 'honest1', { ...body, ...more })
    expect([refused.status, errorOf(refused).code]).toEqual([400, 'InvalidParameter'])
    expect(errorOf(refused).target).toBe(`storageAccount.${target}`)
  })

  it('R85 are counted in their region, in Azure’s shape', async () => {
    const usagesIn = async (location: string, version = '2023-05-01') => {
      const path = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Storage/locations/${location}/usages`
      return arm.get(path, version)
    }
    const { body: here } = await usagesIn('westeurope')
    const { value } = (
      await arm.get(`${arm.groupPath}/providers/Microsoft.Storage/storageAccounts`, api)
    ).body
    const currentValue = [value].flat().length
    expect(currentValue).toBeGreaterThan(0)
    const name = { value: 'StorageAccounts', localizedValue: 'Storage Accounts' }
    expect(here).toEqual({ value: [{ limit: 250, unit: 'Count', currentValue, name }] })
    const { body: there } = await usagesIn('East US')
    expect(there).toMatchObject({ value: [{ currentValue: 0 }] })
    expect((await usagesIn('mars')).status).toBe(400)
    expect((await usagesIn('westeurope', '2020-01-02')).status).toBe(404)
  })

  it('show their blob service, and containers as they are made, changed and deleted over ARM', async () => {
    await ask('PUT', 'boxes1', body)
    const service = await ask('GET', 'boxes1/blobServices/default')
    expect(service.body).toMatchObject({
      name: 'default',
      type: 'Microsoft.Storage/storageAccounts/blobServices',
      properties: { deleteRetentionPolicy: { enabled: false } },
    })
    const listed = await ask('GET', 'boxes1/blobServices')
    expect(valueAt(listed.body, 'value')).toEqual([service.body])
    const box = 'boxes1/blobServices/default/containers/box'
    const made = await ask('PUT', box, {
      properties: { publicAccess: 'None', metadata: { a: 'b' } },
    })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      id: idOf(box),
      name: 'box',
      type: 'Microsoft.Storage/storageAccounts/blobServices/containers',
      properties: { publicAccess: 'None', leaseState: 'Available', metadata: { a: 'b' } },
    })
    expect((await ask('PUT', box, {})).status).toBe(200)
    const patched = await ask('PATCH', box, { properties: { metadata: { c: 'd' } } })
    expect(valueAt(patched.body, 'properties.metadata')).toEqual({ c: 'd' })
    for (let number = 0; number < 101; number++) await ask('PUT', `${box}${number}`, {})
    const first = await ask('GET', 'boxes1/blobServices/default/containers')
    expect(valueAt(first.body, 'value')).toHaveLength(100)
    const next = new URL(String(valueAt(first.body, 'nextLink')))
    const rest = await arm.ask('GET', `${next.pathname}${next.search}`)
    expect([valueAt(rest.body, 'value')].flat()).toHaveLength(2)
    expect((await ask('DELETE', box)).status).toBe(200)
    expect((await ask('DELETE', box)).status).toBe(204)
    expect((await ask('GET', box)).status).toBe(404)
    expect((await ask('PATCH', box, {})).status).toBe(404)
  })

  it.each([
    ['a public container', 'PUT', 'containers/open', { properties: { publicAccess: 'Blob' } }],
    ['a name with capitals', 'PUT', 'containers/Big', {}],
    ['metadata of a wrong kind', 'PUT', 'containers/meta', { properties: { metadata: { a: 1 } } }],
    ['versions of blobs', 'PUT', '', { properties: { isVersioningEnabled: true } }],
    ['soft delete', 'PUT', '', { properties: { deleteRetentionPolicy: { enabled: true } } }],
  ])('%s over ARM is refused', async (_, method, path, sent) => {
    await ask('PUT', 'boxes2', body)
    const refused = await ask(method, `boxes2/blobServices/default/${path}`, sent)
    expect([refused.status, errorOf(refused).code]).toEqual([400, 'InvalidParameter'])
  })
})
