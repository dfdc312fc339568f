import { builtInRoles } from '../../../src/access/built-in-roles.ts'
import { type Life, tagged, west } from './life.ts'

const groups: Life = (name, _api, { arm }) => {
  const type = 'Microsoft.Resources/resourceGroups'
  const list = arm.groupPath.replace(/\/[^/]+$/, '')
  const at = `${list}/${name}`
  return [
    [`PUT ${type}`, at, 201, { body: west }],
    [`PUT ${type}`, at, 200, { body: tagged }],
    [`PATCH ${type}`, at, 200, { body: { tags: {} } }],
    [`GET ${type}`, at, 200],
    [`HEAD ${type}`, at, 204],
    [`GET ${type} list`, list, 200],
    ['GET resources', `${at}/resources`, 200],
    [`DELETE ${type}`, at, 202, { told: 'location', waits: true }],
  ]
}

const tags: Life = (_name, _api, { arm }) => {
  const type = 'Microsoft.Resources/tags'
  const at = `${arm.groupPath}/providers/${type}/default`
  const merged = { operation: 'Merge', properties: { tags: { a: 'b' } } }
  return [
    [`PUT ${type}`, at, 200, { body: { properties: { tags: { a: 'c' } } } }],
    [`PATCH ${type}`, at, 200, { body: merged }],
    [`GET ${type}`, at, 200],
    [`DELETE ${type}`, at, 200],
  ]
}

const template = {
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  resources: [],
}

const deployments: Life = (name, _api, { arm }) => {
  const type = 'Microsoft.Resources/deployments'
  const list = `${arm.groupPath}/providers/${type}`
  const at = `${list}/${name}`
  const body = { properties: { mode: 'Incremental', template } }
  const written = { told: 'async', waits: true, body } as const
  return [
    [`PUT ${type}`, at, 201, written],
    [`PUT ${type}`, at, 200, written],
    [`GET ${type}`, at, 200],
    [`HEAD ${type}`, at, 204],
    [`GET ${type} list`, list, 200],
    ['GET deployment operations list', `${at}/operations`, 200],
    [`POST ${type} exportTemplate`, `${at}/exportTemplate`, 200],
    [`POST ${type} validate`, `${at}/validate`, 200, { body }],
    [`POST ${type} whatIf`, `${at}/whatIf`, 202, { told: 'location', body }],
    [`DELETE ${type}`, at, 202, { told: 'location', waits: true }],
    [`DELETE ${type}`, at, 204],
  ]
}

const authorization = 'Microsoft.Authorization'

const assignments: Life = (name, _api, { arm, principalId }) => {
  const type = `${authorization}/roleAssignments`
  const list = `${arm.groupPath}/providers/${type}`
  const at = `${list}/${name}`
  const roleDefinitionId = `/providers/${authorization}/roleDefinitions/${builtInRoles.reader.id}`
  return [
    [`PUT ${type}`, at, 201, { body: { properties: { roleDefinitionId, principalId } } }],
    [`GET ${type}`, at, 200],
    [`GET ${type} list`, list, 200],
    [`DELETE ${type}`, at, 200],
    [`DELETE ${type}`, at, 204],
  ]
}

const roles: Life = (name, _api, { arm }) => {
  const type = `${authorization}/roleDefinitions`
  const list = `${arm.groupPath}/providers/${type}`
  const at = `${list}/${name}`
  const permissions = [{ actions: ['Microsoft.Compute/disks/read'] }]
  const role = { roleName: name, permissions, assignableScopes: [arm.groupPath] }
  return [
    [`PUT ${type}`, at, 201, { body: { properties: role } }],
    [`GET ${type}`, at, 200],
    [`GET ${type} list`, list, 200],
    ['GET permissions', `${arm.groupPath}/providers/${authorization}/permissions`, 200],
    [`DELETE ${type}`, at, 200],
    [`DELETE ${type}`, at, 204],
  ]
}

const locks: Life = (name, _api, { arm }) => {
  const type = `${authorization}/locks`
  const list = `${arm.groupPath}/providers/${type}`
  const at = `${list}/${name}`
  const body = { properties: { level: 'CanNotDelete' } }
  return [
    [`PUT ${type}`, at, 201, { body }],
    [`PUT ${type}`, at, 200, { body }],
    [`GET ${type}`, at, 200],
    [`GET ${type} list`, list, 200],
    [`DELETE ${type}`, at, 200],
    [`DELETE ${type}`, at, 204],
  ]
}

/** What ARM answers by itself. */
const places: Life = (name, _api, { subscription }) => {
  const list = `${subscription}/tagNames`
  const value = `${list}/${name}/tagValues/v`
  return [
    ['GET tenants', '/tenants', 200],
    ['GET subscriptions', '/subscriptions', 200],
    ['GET subscription', subscription, 200],
    ['GET locations', `${subscription}/locations`, 200],
    ['GET providers', `${subscription}/providers`, 200],
    ['GET provider', `${subscription}/providers/Microsoft.Compute`, 200],
    ['POST provider register', `${subscription}/providers/Microsoft.Compute/register`, 200],
    ['GET resources', `${subscription}/resources`, 200],

    ['PUT tagNames', `${list}/${name}`, 201],
    ['PUT tagNames', `${list}/${name}`, 200],
    ['PUT tagValues', value, 201],
    ['PUT tagValues', value, 200],
    ['GET tagNames list', list, 200],
    ['DELETE tagValues', value, 200],
    ['DELETE tagValues', value, 204],
    ['DELETE tagNames', `${list}/${name}`, 200],
    ['DELETE tagNames', `${list}/${name}`, 204],
  ]
}

const usages: Life = (_name, _api, { subscription }) => [
  ['GET usages', `${subscription}/providers/Microsoft.Compute/locations/westeurope/usages`, 200],
]

export const ofArm = {
  groups,
  tags,
  deployments,
  assignments,
  roles,
  locks,
  places,
  usages,
}
