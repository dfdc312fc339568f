const type = 'Microsoft.Storage/storageAccounts'

import { type Life, west } from './life.ts'

const accounts: Life = (name, api, { arm }) => {
  const list = `${arm.groupPath}/providers/${type}`
  const at = `${list}/${name.slice(-20).replaceAll(/[^a-z0-9]/g, '')}`
  const body =
    api < '2016-01-01'
      ? { ...west, properties: { accountType: 'Standard_LRS' } }
      : { ...west, kind: 'Storage', sku: { name: 'Standard_LRS' } }
  const service = `${at}/blobServices`
  return [
    [`PUT ${type}`, at, 202, { told: 'location', waits: true, body }],
    [`PUT ${type}`, at, 200, { body: { ...body, tags: {} } }],
    [`PATCH ${type}`, at, 200, { body: { tags: {} } }],
    [`GET ${type}`, at, 200],
    [`GET ${type} list`, list, 200],
    [`POST ${type} listKeys`, `${at}/listKeys`, 200],
    [`POST ${type} regenerateKey`, `${at}/regenerateKey`, 200, { body: { keyName: 'key1' } }],
    [`GET ${type}/blobServices list`, service, 200],
    [`GET ${type}/blobServices`, `${service}/default`, 200],
    [`PUT ${type}/blobServices`, `${service}/default`, 200, { body: {} }],
    [`DELETE ${type}`, at, 200],
    [`DELETE ${type}`, at, 204],
  ]
}

const containers: Life = (name, api, { account }) => {
  const ask = `${type}/blobServices/containers`
  const list = `${account}/blobServices/default/containers`
  const at = `${list}/${name}`
  const again = [`PUT ${ask}`, at, 200, { body: {} }] as const
  return [
    [`PUT ${ask}`, at, 201, { body: { properties: { metadata: { a: 'b' } } } }],
    // Before, the specification is silent about one that is there.
    ...(api < '2019-06-01' ? [] : [again]),
    [`PATCH ${ask}`, at, 200, { body: { properties: { metadata: {} } } }],
    [`GET ${ask}`, at, 200],
    [`GET ${ask} list`, list, 200],
    [`DELETE ${ask}`, at, 200],
    [`DELETE ${ask}`, at, 204],
  ]
}

export const ofStorage = { accounts, containers }
