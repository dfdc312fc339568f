import type { Permission, Role } from '../domain/directory.ts'

const readAuthorization = 'Microsoft.Authorization/*/read'
const readGroups = 'Microsoft.Resources/subscriptions/resourceGroups/read'
const blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers'
const userDelegationKey =
  'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action'

/** Azure's built-in roles, as far as their actions exist here: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
export const builtInRoles = {
  owner: role('8e3af657-a8ff-443c-a75c-2fe8c4bcb635', 'Owner', {
    says: 'Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.',
    actions: ['*'],
  }),
  contributor: role('b24988ac-6180-42a0-ab88-20f7382dd24c', 'Contributor', {
    says: 'Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.',
    actions: ['*'],
    notActions: [
      'Microsoft.Authorization/*/Delete',
      'Microsoft.Authorization/*/Write',
      'Microsoft.Authorization/elevateAccess/Action',
      'Microsoft.Blueprint/blueprintAssignments/write',
      'Microsoft.Blueprint/blueprintAssignments/delete',
      'Microsoft.Compute/galleries/share/action',
    ],
  }),
  reader: role('acdd72a7-3385-48ef-bd42-f606fba81ae7', 'Reader', {
    says: 'View all resources, but does not allow you to make any changes.',
    actions: ['*/read'],
  }),
  userAccessAdministrator: role(
    '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9',
    'User Access Administrator',
    {
      says: 'Lets you manage user access to Azure resources.',
      actions: ['*/read', 'Microsoft.Authorization/*', 'Microsoft.Support/*'],
    },
  ),
  virtualMachineContributor: role(
    '9980e02c-c2be-4d73-94e8-173b1dc7cf3c',
    'Virtual Machine Contributor',
    {
      says: "Lets you manage virtual machines, but not access to them, and not the virtual network or storage account they're connected to.",
      actions: [
        readAuthorization,
        'Microsoft.Compute/availabilitySets/*',
        'Microsoft.Compute/locations/*',
        'Microsoft.Compute/virtualMachines/*',
        'Microsoft.Compute/virtualMachineScaleSets/*',
        'Microsoft.Compute/cloudServices/*',
        'Microsoft.Compute/disks/write',
        'Microsoft.Compute/disks/read',
        'Microsoft.Compute/disks/delete',
        'Microsoft.Network/locations/*',
        'Microsoft.Network/networkInterfaces/*',
        'Microsoft.Network/virtualNetworks/read',
        'Microsoft.Network/virtualNetworks/subnets/join/action',
        'Microsoft.Resources/deployments/*',
        readGroups,
        'Microsoft.Storage/storageAccounts/listKeys/action',
        'Microsoft.Storage/storageAccounts/read',
        'Microsoft.Support/*',
      ],
    },
  ),
  computeGallerySharingAdmin: role(
    '1ef6a3be-d0ac-425d-8c01-acb62866290b',
    'Compute Gallery Sharing Admin',
    {
      says: 'This role allows user to share gallery to another subscription/tenant or share it to the public.',
      actions: ['Microsoft.Compute/galleries/share/action'],
    },
  ),
  computeGalleryImageReader: role(
    'cf7c76d2-98a3-4358-a134-615aa78bf44d',
    'Compute Gallery Image Reader',
    {
      says: 'This is the role for reading gallery images.',
      actions: [
        'Microsoft.Compute/galleries/images/read',
        'Microsoft.Compute/galleries/images/versions/read',
      ],
    },
  ),
  computeGalleryArtifactsPublisher: role(
    '85a2d0d9-2eba-4c9c-b355-11c2cc0788ab',
    'Compute Gallery Artifacts Publisher',
    {
      says: 'This is the role for publishing gallery artifacts.',
      actions: [
        'Microsoft.Compute/galleries/*',
        'Microsoft.Compute/locations/capsOperations/read',
        'Microsoft.Compute/locations/communityGalleries/*',
        'Microsoft.Compute/locations/sharedGalleries/*',
        'Microsoft.Compute/images/*',
        'Microsoft.Compute/virtualMachines/write',
        'Microsoft.Compute/disks/write',
        readAuthorization,
        'Microsoft.Resources/deployments/*',
        readGroups,
      ],
      notActions: ['Microsoft.Compute/galleries/share/action'],
    },
  ),
  diskSnapshotContributor: role(
    '7efff54f-a5b4-42b5-a1c5-5411624893ce',
    'Disk Snapshot Contributor',
    {
      says: 'Provides permission to backup vault to manage disk snapshots.',
      actions: [
        readAuthorization,
        readGroups,
        'Microsoft.Compute/snapshots/delete',
        'Microsoft.Compute/snapshots/write',
        'Microsoft.Compute/snapshots/read',
        'Microsoft.Compute/snapshots/beginGetAccess/action',
        'Microsoft.Compute/snapshots/endGetAccess/action',
        'Microsoft.Compute/disks/beginGetAccess/action',
        'Microsoft.Storage/storageAccounts/listkeys/action',
        'Microsoft.Storage/storageAccounts/write',
        'Microsoft.Storage/storageAccounts/read',
        'Microsoft.Storage/storageAccounts/delete',
      ],
    },
  ),
  managedIdentityOperator: role(
    'f1a07417-d97a-45cb-824c-7a7467783830',
    'Managed Identity Operator',
    {
      says: 'Read and Assign User Assigned Identity',
      actions: [
        'Microsoft.ManagedIdentity/userAssignedIdentities/*/read',
        'Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action',
        readAuthorization,
        readGroups,
        'Microsoft.Resources/deployments/*',
        'Microsoft.Support/*',
      ],
    },
  ),
  tagContributor: role('4a9ae827-6dc8-4573-8ac7-8239d42aa03f', 'Tag Contributor', {
    says: 'Lets you manage tags on entities, without providing access to the entities themselves.',
    actions: [
      readAuthorization,
      'Microsoft.Resources/subscriptions/resourceGroups/resources/read',
      readGroups,
      'Microsoft.Resources/subscriptions/resources/read',
      'Microsoft.Resources/deployments/*',
      'Microsoft.Insights/alertRules/*',
      'Microsoft.Support/*',
      'Microsoft.Resources/tags/*',
    ],
  }),
  storageBlobDataOwner: role('b7e6dc6d-f1e8-4753-8033-0f276bb0955b', 'Storage Blob Data Owner', {
    says: 'Allows for full access to Azure Storage blob containers and data, including assigning POSIX access control.',
    actions: [`${blobs}/*`, userDelegationKey],
    dataActions: [`${blobs}/blobs/*`],
  }),
  storageBlobDataContributor: role(
    'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
    'Storage Blob Data Contributor',
    {
      says: 'Allows for read, write and delete access to Azure Storage blob containers and data',
      actions: [`${blobs}/delete`, `${blobs}/read`, `${blobs}/write`, userDelegationKey],
      dataActions: [
        `${blobs}/blobs/delete`,
        `${blobs}/blobs/read`,
        `${blobs}/blobs/write`,
        `${blobs}/blobs/move/action`,
        `${blobs}/blobs/add/action`,
      ],
    },
  ),
  storageBlobDataReader: role('2a2b9908-6ea1-4ae2-8e65-a410df84e7d1', 'Storage Blob Data Reader', {
    says: 'Allows for read access to Azure Storage blob containers and data',
    actions: [`${blobs}/read`, userDelegationKey],
    dataActions: [`${blobs}/blobs/read`],
  }),
} as const satisfies Record<string, Role>

function role(
  id: string,
  name: string,
  { says, ...permission }: { readonly says: string } & Partial<Permission>,
): Role {
  const nothing = { actions: [], notActions: [], dataActions: [], notDataActions: [] }
  const permissions = [{ ...nothing, ...permission }]
  return { id, name, description: says, permissions, assignableScopes: ['/'] }
}
