import type { JsonObject } from '../../../src/domain/rows.ts'
import {
  compute,
  diskSteps,
  groupStep,
  type Recording,
  succeeded,
  versions,
  west,
} from './recording.ts'

const groupsMayHaveIt = { sharingProfile: { permissions: 'Groups' } }

type Sent = {
  readonly galleries: string
  readonly disks: string
  readonly images: string
  readonly groups: string
  readonly headers: Readonly<Record<string, string>>
}

/** .NET and Java do the same by other api-versions, headers and answers that they take. */
function generated(client: string, { galleries, disks, images, groups, headers }: Sent): Recording {
  const api = `api-version=${galleries}`
  return {
    client,
    headers: { accept: 'application/json', 'x-ms-return-client-request-id': 'true', ...headers },
    steps: [
      groupStep(groups),
      ...diskSteps(disks),
      {
        does: 'get an image',
        method: 'GET',
        path: `${compute}/images/source?api-version=${images}`,
        takes: [200],
        reads: { id: '{image}', ...succeeded },
      },
      {
        does: 'create or update a gallery',
        method: 'PUT',
        path: `${compute}/galleries/replayed{n}?${api}`,
        body: { location: west, tags: {}, properties: groupsMayHaveIt },
        takes: [200, 201, 202],
        waits: true,
        reads: { name: 'replayed{n}', ...succeeded },
      },
      {
        does: 'share a gallery',
        method: 'POST',
        path: `${compute}/galleries/replayed{n}/share?${api}`,
        body: {
          operationType: 'Add',
          groups: [{ type: 'Subscriptions', ids: ['10000000-0000-4000-8000-000000000001'] }],
        },
        takes: [200, 202],
        waits: true,
      },
      {
        does: 'create or update a definition',
        method: 'PUT',
        path: `${compute}/galleries/replayed{n}/images/linux?${api}`,
        body: definitionBody('generated'),
        takes: [200, 201, 202],
        waits: true,
        reads: succeeded,
      },
      {
        does: 'create or update a version',
        method: 'PUT',
        path: `${versions}/1.0.0?${api}`,
        body: {
          location: west,
          properties: {
            publishingProfile: { targetRegions: [{ name: west, regionalReplicaCount: 1 }] },
            storageProfile: { source: { id: '{image}' } },
          },
        },
        takes: [200, 201, 202],
        waits: true,
        reads: { name: '1.0.0', ...succeeded },
      },
      {
        does: 'update a version',
        method: 'PATCH',
        path: `${versions}/1.0.0?${api}`,
        body: { properties: { publishingProfile: { excludeFromLatest: true } } },
        takes: [200],
        waits: true,
        reads: { properties: { publishingProfile: { excludeFromLatest: true } } },
      },
      {
        does: 'list versions',
        method: 'GET',
        path: `${versions}?${api}`,
        takes: [200],
        reads: { value: [{ name: '1.0.0' }] },
      },
      {
        does: 'whether a version exists that does not',
        method: 'GET',
        path: `${versions}/9.9.9?${api}`,
        takes: [404],
        reads: { error: { code: 'ResourceNotFound' } },
      },
      {
        does: 'delete a version',
        method: 'DELETE',
        path: `${versions}/1.0.0?${api}`,
        takes: [200, 202, 204],
        waits: true,
      },
      {
        does: 'delete a resource group',
        method: 'DELETE',
        path: `{g}?api-version=${groups}`,
        takes: [200, 202],
        waits: true,
      },
    ],
  }
}

export const dotnet = generated('.NET (Azure.ResourceManager.Compute)', {
  galleries: '2024-03-03',
  disks: '2024-03-02',
  images: '2024-07-01',
  groups: '2022-09-01',
  headers: {
    'x-ms-client-request-id': '6b8ef1ea-0000-4000-8000-000000000002',
    'user-agent': 'azsdk-net-ResourceManager.Compute/1.9.0 (.NET 8.0.8; Ubuntu 24.04)',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
  },
})

export const java = generated('Java (azure-resourcemanager-compute)', {
  galleries: '2021-07-01',
  disks: '2022-03-02',
  images: '2023-03-01',
  groups: '2020-06-01',
  headers: {
    'content-type': 'application/json',
    'x-ms-client-request-id': '6b8ef1ea-0000-4000-8000-000000000003',
    'user-agent': 'azsdk-java-azure-resourcemanager-compute/2.40.0 (21.0.4; Linux; 6.8.0)',
  },
})

function definitionBody(name: string): JsonObject {
  return {
    location: west,
    properties: {
      osType: 'Linux',
      osState: 'Generalized',
      hyperVGeneration: 'V1',
      identifier: { publisher: 'Contoso', offer: 'Linux', sku: name },
    },
  }
}
