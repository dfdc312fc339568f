import {
  BlobServiceClient,
  type ContainerClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { expect } from 'vitest'
import { valueAt } from '../../src/resources/paths.ts'
import type { Arm } from './arm.ts'
import type { OwnerClients } from './owner-clients.ts'

const api = '2023-01-01'

export type BlobAccount = Awaited<ReturnType<typeof makeAccount>>

/** A storage account with Azure's own client on it, signed by its first key. */
export async function makeAccount(
  vitrine: Pick<OwnerClients, 'url'>,
  arm: Arm,
  name: string,
  more: object = {},
) {
  const id = `${arm.groupPath}/providers/Microsoft.Storage/storageAccounts/${name}`
  const body = {
    location: 'westeurope',
    kind: 'StorageV2',
    sku: { name: 'Standard_LRS' },
    properties: more,
  }
  const made = await arm.ask('PUT', id, { api, body })
  expect([200, 202], JSON.stringify(made.body)).toContain(made.status)

  async function keys(): Promise<readonly string[]> {
    const { body: told } = await arm.ask('POST', `${id}/listKeys`, { api, body: {} })
    return [valueAt(told, 'keys')].flat().map((key) => String(valueAt(key ?? null, 'value')))
  }

  const [key = ''] = await keys()
  const credential = new StorageSharedKeyCredential(name, key)
  const endpoint = `${vitrine.url}/${name}`
  const service = new BlobServiceClient(endpoint, credential, { retryOptions: { maxTries: 1 } })

  async function container(called: string): Promise<ContainerClient> {
    const client = service.getContainerClient(called)
    await client.createIfNotExists()
    return client
  }

  const remove = () => arm.ask('DELETE', id, { api })
  const act = (action: string, sent: object) =>
    arm.ask('POST', `${id}/${action}`, { api, body: sent })

  return { id, name, endpoint, keys, key, credential, service, container, remove, act }
}
