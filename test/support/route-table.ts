import type { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { Address } from '../../src/api/arm/address.ts'
import { webhookRows } from './webhook-routes.ts'

/** One letter a role, so that a row of the table fits a line. */
export const letters: Readonly<Record<keyof typeof builtInRoles, string>> = {
  owner: 'O',
  contributor: 'C',
  reader: 'R',
  userAccessAdministrator: 'U',
  virtualMachineContributor: 'V',
  computeGallerySharingAdmin: 'S',
  computeGalleryImageReader: 'I',
  computeGalleryArtifactsPublisher: 'P',
  diskSnapshotContributor: 'D',
  managedIdentityOperator: 'M',
  tagContributor: 'T',
  storageBlobDataOwner: 'B',
  storageBlobDataContributor: 'b',
  storageBlobDataReader: 'r',
}

/**
 * What a request does: its method and path (`{…}` is a place), the action that its refusal names, and the letters of the
 * built-in roles that allow it. `at`: the scope of the action, where that is not the path.
 */
export type Row = readonly [ask: string, action: string, held: string, at?: string]

/** Answered with what the caller may see, which may be nothing: nobody is refused. */
export const openToAll = '*'

const compute = 'Microsoft.Compute'
const groups = 'Microsoft.Resources/subscriptions/resourceGroups'
const accounts = 'Microsoft.Storage/storageAccounts'
const service = `${accounts}/blobServices`
const roles = 'Microsoft.Authorization'
const tagNames = 'Microsoft.Resources/subscriptions/tagNames'
const locations = `{sub}/providers/${compute}/locations/westeurope`
const vitrine = '/providers/Vitrine.Gallery'
const activity = '/providers/Microsoft.Insights/eventtypes/management/values'
const activityRead = 'Microsoft.Insights/eventtypes/values/Read'
const sinceThen = '$filter=eventTimestamp%20ge%20%272026-01-01%27'

/** GET, PUT, PATCH, DELETE of one resource. */
function resource(
  place: string,
  type: string,
  held: Readonly<Record<'read' | 'write' | 'delete', string>>,
): readonly Row[] {
  return [
    [`GET ${place}`, `${type}/read`, held.read],
    [`PUT ${place}`, `${type}/write`, held.write],
    [`PATCH ${place}`, `${type}/write`, held.write],
    [`DELETE ${place}`, `${type}/delete`, held.delete],
  ]
}

const ofGroups = resource('{rg}', groups, { read: 'OCRUVPDMT', write: 'OC', delete: 'OC' })

const ofGalleries: readonly Row[] = [
  ...resource('{gallery}', `${compute}/galleries`, { read: 'OCRUP', write: 'OCP', delete: 'OCP' }),
  ...resource('{definition}', `${compute}/galleries/images`, {
    ...{ read: 'OCRUIP', write: 'OCP', delete: 'OCP' },
  }),
  ...resource('{version}', `${compute}/galleries/images/versions`, {
    ...{ read: 'OCRUIP', write: 'OCP', delete: 'OCP' },
  }),
  ...resource('{gallery}/applications/app', `${compute}/galleries/applications`, {
    ...{ read: 'OCRUP', write: 'OCP', delete: 'OCP' },
  }),
  ...resource(
    '{gallery}/applications/app/versions/1.0.0',
    `${compute}/galleries/applications/versions`,
    {
      ...{ read: 'OCRUP', write: 'OCP', delete: 'OCP' },
    },
  ),
]

const ofDisks: readonly Row[] = [
  ...resource('{disk}', `${compute}/disks`, { read: 'OCRUV', write: 'OCVP', delete: 'OCV' }),
  ...resource('{snapshot}', `${compute}/snapshots`, { read: 'OCRUD', write: 'OCD', delete: 'OCD' }),
  ...resource('{image}', `${compute}/images`, { read: 'OCRUP', write: 'OCP', delete: 'OCP' }),
]

const ofAccounts: readonly Row[] = [
  ...resource('{account}', accounts, { read: 'OCRUVD', write: 'OCD', delete: 'OCD' }),
  ['GET {account}/blobServices', `${service}/read`, 'OCRU', '{account}/blobServices/default'],
  ['GET {account}/blobServices/default', `${service}/read`, 'OCRU'],
  ['PUT {account}/blobServices/default', `${service}/write`, 'OC'],
  [
    'GET {account}/blobServices/default/containers',
    ...([`${service}/containers/read`, 'OCRUBbr', '{account}/blobServices/default'] as const),
  ],
  ['GET {container}', `${service}/containers/read`, 'OCRUBbr'],
  ['PUT {container}', `${service}/containers/write`, 'OCBb'],
  ['PATCH {container}', `${service}/containers/read`, 'OCRUBbr'],
  ['DELETE {container}', `${service}/containers/delete`, 'OCBb'],
]

/** Every POST that a resource type declares: `type action` → row. */
export const actionRows: Readonly<Record<string, Row>> = {
  [`${compute}/galleries share`]: [
    'POST {gallery}/share',
    `${compute}/galleries/share/action`,
    'OS',
    '{gallery}',
  ],
  [`${compute}/disks beginGetAccess`]: [
    ...(['POST {disk}/beginGetAccess', `${compute}/disks/beginGetAccess/action`] as const),
    ...(['OCD', '{disk}'] as const),
  ],
  [`${compute}/disks endGetAccess`]: [
    ...(['POST {disk}/endGetAccess', `${compute}/disks/endGetAccess/action`] as const),
    ...(['OC', '{disk}'] as const),
  ],
  [`${compute}/snapshots beginGetAccess`]: [
    ...(['POST {snapshot}/beginGetAccess', `${compute}/snapshots/beginGetAccess/action`] as const),
    ...(['OCD', '{snapshot}'] as const),
  ],
  [`${compute}/snapshots endGetAccess`]: [
    ...(['POST {snapshot}/endGetAccess', `${compute}/snapshots/endGetAccess/action`] as const),
    ...(['OCD', '{snapshot}'] as const),
  ],
  [`${accounts} listKeys`]: [
    ...(['POST {account}/listKeys', `${accounts}/listKeys/action`, 'OCVD', '{account}'] as const),
  ],
  [`${accounts} regenerateKey`]: [
    ...(['POST {account}/regenerateKey', `${accounts}/regenerateKey/action`] as const),
    ...(['OC', '{account}'] as const),
  ],
}

/** Every view of the installation's own on resources, by its name in lower case. */
export const viewRows: Readonly<Record<string, readonly Row[]>> = {
  replication: [
    view('GET', 'replication', [`${compute}/galleries/images/versions/read`, 'OCRUIP']),
  ],
  targetregions: [
    view('PUT', 'targetRegions/eastus', [`${compute}/galleries/images/versions/write`, 'OCP']),
    view('DELETE', 'targetRegions/eastus', [`${compute}/galleries/images/versions/write`, 'OCP']),
  ],
  whatif: [view('POST', 'whatIf', [`${compute}/galleries/images/versions/write`, 'OCP'])],
  space: [view('GET', 'space', [`${compute}/galleries/images/versions/read`, 'OCRUIP'])],
  health: [view('GET', 'health', [`${compute}/galleries/images/versions/read`, 'OCRUIP'])],
  verify: [view('POST', 'verify', [`${compute}/galleries/images/versions/verify/action`, 'OCP'])],
  expireddefinitions: [
    [
      `GET {gallery}${vitrine}/expiredDefinitions`,
      ...([`${compute}/galleries/images/read`, 'OCRUP', '{gallery}'] as const),
    ],
  ],
  grants: [
    [`GET {gallery}${vitrine}/grants`, `${roles}/roleAssignments/read`, 'OCRUVPDMT', '{gallery}'],
    [`GET {gallery}${vitrine}/grants/x`, `${roles}/roleAssignments/read`, 'OCRUVPDMT', '{gallery}'],
    [`PUT {gallery}${vitrine}/grants/x`, `${roles}/roleAssignments/write`, 'OU', '{gallery}'],
    [`DELETE {gallery}${vitrine}/grants/x`, `${roles}/roleAssignments/delete`, 'OU', '{gallery}'],
  ],
  signedurls: [
    view('GET', 'signedUrls', [`${compute}/galleries/images/versions/signedUrls/read`, 'OCRUP']),
    view('POST', 'signedUrls', [`${compute}/galleries/images/versions/signedUrls/read`, 'OCRUP']),
    view('DELETE', 'signedUrls/{guid}', [
      ...([`${compute}/galleries/images/versions/signedUrls/read`, 'OCRUP'] as const),
    ]),
    [
      `GET {gallery}/applications/app/versions/1.0.0${vitrine}/signedUrls`,
      ...([`${compute}/galleries/applications/versions/signedUrls/read`, 'OCRUP'] as const),
      '{gallery}/applications/app/versions/1.0.0',
    ],
  ],
}

function view(method: string, name: string, [action, held]: readonly [string, string]): Row {
  return [`${method} {version}${vitrine}/${name}`, action, held, '{version}']
}

/** What hangs at scopes under Microsoft.Authorization. */
export const authorizationRows: Readonly<Record<string, readonly Row[]>> = {
  roleassignments: [
    at('GET', 'roleAssignments', 'read', 'OCRUVPDMT'),
    at('GET', 'roleAssignments/{guid}', 'read', 'OCRUVPDMT'),
    at('PUT', 'roleAssignments/{guid}', 'write', 'OU'),
    at('DELETE', 'roleAssignments/{guid}', 'delete', 'OU'),
  ],
  roledefinitions: [
    at('GET', 'roleDefinitions', 'read', 'OCRUVPDMT'),
    at('GET', 'roleDefinitions/{guid}', 'read', 'OCRUVPDMT'),
    at('PUT', 'roleDefinitions/{guid}', 'write', 'OU'),
    at('DELETE', 'roleDefinitions/{guid}', 'delete', 'OU'),
  ],
  locks: [
    at('GET', 'locks', 'read', 'OCRUVPDMT'),
    at('GET', 'locks/{guid}', 'read', 'OCRUVPDMT'),
    at('PUT', 'locks/{guid}', 'write', 'OU'),
    at('DELETE', 'locks/{guid}', 'delete', 'OU'),
  ],
  // Whoever has anything there is told what; others are refused.
  permissions: [at('GET', 'permissions', 'read', 'OCRUVSIPDMTBbr')],
  checkaccess: [[`POST {gallery}/providers/${roles}/checkAccess`, openToAll, '']],
}

function at(method: string, path: string, verb: string, held: string): Row {
  const [kind = ''] = path.split('/')
  return [
    `${method} {gallery}/providers/${roles}/${path}`,
    `${roles}/${kind}/${verb}`,
    held,
    '{gallery}',
  ]
}

const deployments = 'Microsoft.Resources/deployments'

/** Template deployments of a group, and of a subscription. */
const deploymentRows: readonly Row[] = ['{rg}', '{sub}'].flatMap((scope): readonly Row[] => {
  const one = `${scope}/providers/${deployments}/none`
  const act = (name: string): Row => [
    ...([`POST ${one}/${name}`, `${deployments}/${name}/action`, 'OCVPMT', one] as const),
  ]
  return [
    [`GET ${scope}/providers/${deployments}`, `${deployments}/read`, 'OCRUVPMT', scope],
    [`GET ${one}`, `${deployments}/read`, 'OCRUVPMT'],
    [`HEAD ${one}`, `${deployments}/read`, 'OCRUVPMT'],
    [`PUT ${one}`, `${deployments}/write`, 'OCVPMT'],
    [`DELETE ${one}`, `${deployments}/delete`, 'OCVPMT'],
    ...['cancel', 'validate', 'whatIf', 'exportTemplate'].map(act),
    [`GET ${one}/operations`, `${deployments}/operations/read`, 'OCRUVPMT', one],
    [
      ...([
        `GET ${one}/operationStatuses/{guid}`,
        `${deployments}/operationstatuses/read`,
      ] as const),
      ...(['OCRUVPMT', one] as const),
    ],
  ]
})

/** Every kind of address: a new one that has no row here does not compile. */
export const addressRows: Readonly<Record<Address['is'], readonly Row[]>> = {
  tenants: [['GET /tenants', openToAll, '']],
  subscriptions: [['GET /subscriptions', openToAll, '']],
  // Whoever holds anything there sees it, as in the list.
  subscription: [['GET {sub}', 'Microsoft.Resources/subscriptions/read', 'OCRUVSIPDMTBbr']],
  locations: [
    ['GET {sub}/locations', 'Microsoft.Resources/subscriptions/locations/read', 'OCRU', '{sub}'],
  ],
  providers: [
    ['GET /providers', openToAll, ''],
    [`GET /providers/${compute}`, openToAll, ''],
    ['GET {sub}/providers', 'Microsoft.Resources/subscriptions/providers/read', 'OCRU', '{sub}'],
    [
      `GET {sub}/providers/${compute}`,
      ...(['Microsoft.Resources/subscriptions/providers/read', 'OCRU', '{sub}'] as const),
    ],
  ],
  registration: [
    [
      `POST {sub}/providers/${compute}/register`,
      ...(['Microsoft.Resources/subscriptions/providers/read', 'OCRU', '{sub}'] as const),
    ],
  ],
  providerOperations: [
    [`GET /providers/${compute}/operations`, openToAll, ''],
    [`GET /providers/${roles}/providerOperations`, openToAll, ''],
    [`GET /providers/${roles}/providerOperations/${compute}`, openToAll, ''],
  ],
  nameCheck: [
    [
      'POST {sub}/providers/Microsoft.Storage/checkNameAvailability',
      ...(['Microsoft.Storage/checkNameAvailability/read', 'OCRU', '{sub}'] as const),
    ],
  ],
  resources: [
    ['GET {sub}/resources', openToAll, ''],
    ['GET {rg}/resources', openToAll, ''],
  ],
  usages: [[`GET ${locations}/usages`, `${compute}/locations/usages/read`, 'OCRUV', locations]],
  storageUsages: [
    [
      'GET {sub}/providers/Microsoft.Storage/locations/westeurope/usages',
      ...(['Microsoft.Storage/locations/usages/read', 'OCRU'] as const),
      '{sub}/providers/Microsoft.Storage/locations/westeurope',
    ],
  ],
  operation: [[`GET ${locations}/capsOperations/{guid}`, openToAll, '']],
  shared: ['shared', 'community'].flatMap((via) => sharedRows(via)),
  shareInvite: ['accept', 'reject'].flatMap((decision): readonly Row[] => [
    inviteRow('{sub}', 's', decision),
    inviteRow('', 'tenantLevelS', decision),
  ]),
  softDeleted: [
    [
      `GET {gallery}/softDeletedArtifactTypes/Images/artifacts/myImage1/versions`,
      `${compute}/galleries/images/versions/read`,
      'OCRUIP',
      '{definition}',
    ],
  ],
  resourceGraph: [['POST /providers/Microsoft.ResourceGraph/resources', openToAll, '']],
  granted: [[`GET ${vitrine}/grants`, openToAll, '']],
  collection: [
    ['GET {sub}/resourceGroups', openToAll, ''],
    [`GET {sub}/providers/${compute}/galleries`, openToAll, ''],
    [`GET {rg}/providers/${compute}/galleries`, openToAll, ''],
    ['GET {gallery}/images', openToAll, ''],
    ['GET {definition}/versions', openToAll, ''],
    [`GET {sub}/providers/${compute}/disks`, openToAll, ''],
    [`GET {rg}/providers/${compute}/snapshots`, openToAll, ''],
    [`GET {rg}/providers/${compute}/images`, openToAll, ''],
    ['GET {rg}/providers/Microsoft.Storage/storageAccounts', openToAll, ''],
  ],
  resource: [...ofGroups, ...ofGalleries, ...ofDisks, ...ofAccounts],
  action: [
    ...Object.values(actionRows),
    ['POST {rg}/moveResources', `${groups}/moveResources/action`, 'OC', '{rg}'],
    ['POST {rg}/exportTemplate', `${groups}/read`, 'OCRUVPDMT', '{rg}'],
    ['POST {rg}/validateMoveResources', `${groups}/moveResources/action`, 'OC', '{rg}'],
  ],
  spaces: [
    [`GET ${vitrine}/spaces`, 'Vitrine.Gallery/locations/spaces/read', 'OCRU', vitrine],
    [
      `POST ${vitrine}/locations/westeurope/spaces/none/rebuild`,
      // Asked before anything of what there is; the action itself after the space is found.
      ...(['Vitrine.Gallery/locations/spaces/read', 'OCRU', vitrine] as const),
    ],
  ],
  tenantsHere: [
    [`GET ${vitrine}/tenants`, 'Vitrine.Gallery/tenants/read', 'OCRU', vitrine],
    [`GET ${vitrine}/tenants/{guid}`, 'Vitrine.Gallery/tenants/read', 'OCRU', vitrine],
    [`PUT ${vitrine}/tenants/{guid}`, 'Vitrine.Gallery/tenants/write', 'OC', vitrine],
    [`DELETE ${vitrine}/tenants/{guid}`, 'Vitrine.Gallery/tenants/delete', 'OC', vitrine],
  ],
  authorization: Object.values(authorizationRows).flat(),
  tags: [
    tagsRow('GET', 'read', 'OCRUT'),
    tagsRow('PUT', 'write', 'OCT'),
    tagsRow('PATCH', 'write', 'OCT'),
    tagsRow('DELETE', 'delete', 'OCT'),
  ],
  tagNames: [
    ['GET {sub}/tagNames', `${tagNames}/read`, 'OCRU', '{sub}'],
    ['PUT {sub}/tagNames/%3C', `${tagNames}/write`, 'OC', '{sub}'],
    ['DELETE {sub}/tagNames/none', `${tagNames}/delete`, 'OC', '{sub}'],
    ['PUT {sub}/tagNames/none/tagValues/v', `${tagNames}/tagValues/write`, 'OC', '{sub}'],
    ['DELETE {sub}/tagNames/none/tagValues/v', `${tagNames}/tagValues/delete`, 'OC', '{sub}'],
  ],
  audit: [
    [`GET {gallery}${vitrine}/audit`, 'Vitrine.Gallery/audit/read', 'OCRU', '{gallery}'],
    [`GET ${vitrine}/audit`, 'Vitrine.Gallery/audit/read', 'OCRU', '/'],
  ],
  eventSubscriptions: webhookRows,
  events: [
    [`GET {gallery}${vitrine}/events`, openToAll, ''],
    [`GET ${vitrine}/events`, openToAll, ''],
  ],
  activityLog: [
    [`GET {sub}${activity}?${sinceThen}`, activityRead, 'OCRU', '{sub}'],
    [
      `GET {sub}${activity}?${sinceThen}%20and%20resourceUri%20eq%20%27{gallery}%27`,
      activityRead,
      'OCRU',
      '{gallery}',
    ],
    [`GET ${activity}`, activityRead, 'OCRU', '/'],
    ['GET /providers/Microsoft.Insights/eventcategories', openToAll, ''],
  ],
  deployments: deploymentRows,
  templateHash: [['POST /providers/Microsoft.Resources/calculateTemplateHash', openToAll, '']],
  costs: [
    [`GET {gallery}${vitrine}/costs`, 'Vitrine.Gallery/costs/read', 'OCRU', '{gallery}'],
    [`GET {sub}${vitrine}/costs`, 'Vitrine.Gallery/costs/read', 'OCRU', '{sub}'],
  ],
  extension: Object.values(viewRows).flat(),
}

function tagsRow(method: string, verb: string, held: string): Row {
  const tags = 'Microsoft.Resources/tags'
  return [`${method} {gallery}/providers/${tags}/default`, `${tags}/${verb}`, held, '{gallery}']
}

function sharedRows(via: string): readonly Row[] {
  const list = `${locations}/${via}Galleries`
  const action = `${compute}/locations/${via}Galleries`
  return [
    [`GET ${list}/none`, `${action}/read`, 'OCRUVP', locations],
    [`GET ${list}/none/images`, `${action}/images/read`, 'OCRUVP', locations],
    [`GET ${list}/none/images/one/versions`, `${action}/images/versions/read`, 'OCRUVP', locations],
  ]
}

function inviteRow(above: string, kind: string, decision: string): Row {
  const list = `${kind}haredGallerySubscriptions`
  const path = `${above}/providers/${compute}/locations/westeurope/${list}/{guid}/sharedGalleries/none/${decision}`
  const action = `${compute}/locations/${list}/sharedGalleries/${decision}/action`
  return [`POST ${path}`, action, 'OCV', above === '' ? '/' : above]
}
