import {
  compute,
  diskSteps,
  groupStep,
  type Recording,
  succeeded,
  versions,
  west,
} from './recording.ts'

export const powerShell: Recording = {
  client: 'PowerShell (Az.Compute, Az.Resources)',
  headers: {
    'accept-language': 'en-US',
    'x-ms-client-request-id': '6b8ef1ea-0000-4000-8000-000000000001',
    'user-agent': 'FxVersion/8.0 OSName/Windows AzurePowershell/v12.0.0 PSVersion/v7.4.0',
    CommandName: 'New-AzGalleryImageVersion',
    ParameterSetName: 'DefaultParameter',
  },
  steps: [
    groupStep('2024-11-01'),
    ...diskSteps('2024-03-02'),
    {
      does: 'New-AzGallery',
      method: 'PUT',
      path: `${compute}/galleries/replayed{n}?api-version=2024-03-03`,
      body: { location: west, properties: { description: 'by PowerShell' } },
      takes: [200, 201, 202],
      waits: true,
      reads: { name: 'replayed{n}', type: 'Microsoft.Compute/galleries', ...succeeded },
    },
    {
      does: 'New-AzGalleryImageDefinition -OsState generalized -OsType linux',
      method: 'PUT',
      path: `${compute}/galleries/replayed{n}/images/linux?api-version=2024-03-03`,
      body: {
        location: west,
        properties: {
          osType: 'linux',
          osState: 'generalized',
          hyperVGeneration: 'V1',
          identifier: { publisher: 'Contoso', offer: 'Linux', sku: 'PowerShell' },
        },
      },
      takes: [200, 201, 202],
      waits: true,
      reads: { properties: { osType: 'Linux', osState: 'Generalized' } },
    },
    {
      does: 'Get-AzImage',
      method: 'GET',
      path: `${compute}/images/source?api-version=2024-07-01`,
      takes: [200],
      reads: { id: '{image}', properties: { storageProfile: { osDisk: { osType: 'Linux' } } } },
    },
    {
      does: "New-AzGalleryImageVersion -AsJob -TargetRegion @{Name='West Europe';ReplicaCount=1},@{Name='East US';ReplicaCount=2;StorageAccountType='Premium_LRS'} -PublishingProfileEndOfLifeDate",
      method: 'PUT',
      path: `${versions}/1.0.0?api-version=2024-03-03`,
      body: {
        location: 'West Europe',
        properties: {
          publishingProfile: {
            targetRegions: [
              { name: 'West Europe', regionalReplicaCount: 1, storageAccountType: 'Standard_ZRS' },
              { name: 'East US', regionalReplicaCount: 2, storageAccountType: 'Premium_LRS' },
            ],
            endOfLifeDate: '2090-12-01T00:00:00Z',
          },
          storageProfile: { source: { id: '{image}' } },
        },
      },
      takes: [200, 201, 202],
      waits: true,
      reads: {
        properties: {
          publishingProfile: {
            targetRegions: [
              { name: 'West Europe', regionalReplicaCount: 1, storageAccountType: 'Standard_ZRS' },
              { name: 'East US', regionalReplicaCount: 2, storageAccountType: 'Premium_LRS' },
            ],
          },
          provisioningState: 'Succeeded',
        },
      },
    },
    {
      does: 'Get-AzGalleryImageVersion -ExpandReplicationStatus',
      method: 'GET',
      path: `${versions}/1.0.0?$expand=ReplicationStatus&api-version=2024-03-03`,
      takes: [200],
      reads: { properties: { replicationStatus: { aggregatedState: 'Completed' } } },
    },
    {
      does: 'Update-AzGalleryImageVersion -Tag: what it read, changed',
      method: 'PUT',
      path: `${versions}/1.0.0?api-version=2024-03-03`,
      edits: (seen) => ({ ...seen, tags: { by: 'PowerShell' } }),
      takes: [200, 201, 202],
      waits: true,
      reads: { tags: { by: 'PowerShell' }, ...succeeded },
    },
    {
      does: 'Get-AzResource -ResourceType Microsoft.Compute/galleries/images/versions',
      method: 'GET',
      path: "{s}/resources?$filter=resourceType%20EQ%20'Microsoft.Compute%2Fgalleries%2Fimages%2Fversions'&api-version=2024-11-01",
      takes: [200],
      reads: { value: [{ name: 'replayed{n}/linux/1.0.0', location: 'West Europe' }] },
    },
    {
      does: 'Get-AzGallery: every gallery of the subscription',
      method: 'GET',
      path: '{s}/providers/Microsoft.Compute/galleries?api-version=2024-03-03',
      takes: [200],
      reads: { value: [{ name: 'replayed{n}' }] },
    },
    {
      does: 'Get-AzVMUsage',
      method: 'GET',
      path: '{s}/providers/Microsoft.Compute/locations/westeurope/usages?api-version=2024-07-01',
      takes: [200],
    },
    {
      does: 'Remove-AzGalleryImageVersion',
      method: 'DELETE',
      path: `${versions}/1.0.0?api-version=2024-03-03`,
      takes: [200, 202, 204],
      waits: true,
    },
    {
      does: 'Remove-AzImage',
      method: 'DELETE',
      path: `${compute}/images/source?api-version=2024-07-01`,
      takes: [200, 202, 204],
      waits: true,
    },
    {
      does: 'Remove-AzResourceGroup',
      method: 'DELETE',
      path: '{g}?api-version=2024-11-01',
      takes: [200, 202],
      waits: true,
    },
  ],
}
