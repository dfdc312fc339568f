import { ArmError } from '../../domain/errors.ts'
import { resourceGroupType, sameType } from '../../domain/resource-id.ts'
import type { Providers } from '../../providers/ports.ts'
import type { ResourceType } from '../../resources/declaration.ts'
import { answerPart, answerPartList, isAccountPart } from './account-parts.ts'
import { answerActivityLog } from './activity-log.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, notAllowed } from './answer.ts'
import { mustHaveApiVersion, mustKnowApiVersion } from './api-version.ts'
import { answerAudit } from './audit.ts'
import { answerAuthorization } from './authorization.ts'
import { answerCosts } from './costs.ts'
import { answerDeployments, answerTemplateHash } from './deployments.ts'
import { answerEventSubscriptions } from './event-subscriptions.ts'
import { answerEvents } from './events.ts'
import { answerExtension } from './extension.ts'
import { answerGrantedToMe } from './grants.ts'
import { answerGroupExport } from './group-export.ts'
import { answerMove, isMoveAction } from './move-resources.ts'
import { answerNameCheck } from './name-check.ts'
import { answerOperation } from './poll.ts'
import {
  answerProviderOperations,
  answerProviders,
  answerRegistration,
  mustServe,
} from './providers.ts'
import { answerResourceGraph } from './resource-graph.ts'
import { answerResourceList } from './resource-list.ts'
import { answerAction, answerCollection, answerResource } from './resources.ts'
import { servedTypes } from './served-types.ts'
import { answerInvite } from './share-invites.ts'
import { answerShared } from './shared-galleries.ts'
import { answerSoftDeleted } from './soft-deleted.ts'
import { answerSpaces } from './spaces.ts'
import {
  answerLocations,
  answerSubscription,
  answerSubscriptions,
  answerTenants,
} from './subscriptions.ts'
import { answerTagNames, answerTags } from './tags.ts'
import { answerTenantsHere } from './tenants.ts'
import { answerStorageUsages, answerUsages } from './usages.ts'

/** The handler of what the path points at, and its answer. */
export function answerAddress(request: ArmRequest, address: Address): Promise<Answer> | Answer {
  if (isReadOnly(address) && request.method !== 'GET') throw notAllowed(request.method)
  mustKnowApiVersion(address, request.asked.apiVersion)
  switch (address.is) {
    case 'tenants':
    case 'subscriptions':
    case 'subscription':
    case 'locations':
    case 'providers':
    case 'registration':
    case 'providerOperations':
    case 'usages':
      return answerPlace(request, address)
    case 'storageUsages':
      return answerStorageUsages(request, address.subscription, address.location)
    case 'operation':
      return answerOperation(request, address.subscription, address.operation)
    case 'deployments':
      return answerDeployments(request, address)
    case 'templateHash':
      return answerTemplateHash(request)
    case 'nameCheck':
      return answerNameCheck(request, address.subscription)
    case 'tenantsHere':
      return answerTenantsHere(request, address)
    case 'granted':
      return answerGrantedToMe(request)
    case 'spaces':
      return answerSpaces(request, address)
    case 'shareInvite':
      return answerInvite(request, address)
    case 'resourceGraph':
      return answerResourceGraph(request)
    case 'shared':
      return answerShared(request, address)
    case 'softDeleted':
      return answerSoftDeleted(request, address.definition)
    case 'resources':
      return answerResourceList(request, address.scope)
    case 'collection':
    case 'resource':
    case 'action':
    case 'extension':
      return answerTyped(request, address)
    case 'audit':
    case 'eventSubscriptions':
    case 'events':
    case 'activityLog':
      return answerHappened(request, address)
    case 'costs':
      return answerCosts(request, address.scope)
    case 'tags':
      return answerTags(request, address)
    case 'tagNames':
      return answerTagNames(request, address)
    case 'authorization':
      return answerAuthorization(request, address)
  }
}

/** What the types of resources tell of themselves. */
function answerTyped(
  request: ArmRequest,
  address: Extract<Address, { is: 'collection' | 'resource' | 'action' | 'extension' }>,
): Promise<Answer> | Answer {
  switch (address.is) {
    case 'collection':
      return answerCollection(request, typeFor(request, address.type), address.scope)
    case 'resource':
      if (isAccountPart(address.id.type)) return answerPart(request, address.id)
      return answerResource({ ...request, id: address.id, type: typeFor(request, address.id.type) })
    case 'action':
      return answerActionOrList(request, address)
    case 'extension': {
      const type = findType(request, address.id.type)
      return answerExtension({ ...request, id: address.id, type }, address.view, address.name)
    }
  }
}

type Place = Extract<
  Address,
  {
    readonly is:
      | 'tenants'
      | 'subscriptions'
      | 'subscription'
      | 'locations'
      | 'providers'
      | 'registration'
      | 'providerOperations'
      | 'usages'
  }
>

/** What the installation itself is. */
function answerPlace(request: ArmRequest, address: Place): Promise<Answer> | Answer {
  switch (address.is) {
    case 'tenants':
      return answerTenants(request)
    case 'subscriptions':
      return answerSubscriptions(request)
    case 'subscription':
      return answerSubscription(request, address.subscription)
    case 'locations':
      return answerLocations(request, address.subscription)
    case 'providers':
      return answerProviders(request, address.subscription, address.namespace)
    case 'registration':
      return answerRegistration(request, address)
    case 'providerOperations':
      return answerProviderOperations(request, address)
    case 'usages':
      return answerUsages(request, address.subscription, address.location)
  }
}

/** What happened, and who is told of it. */
function answerHappened(
  request: ArmRequest,
  address: Extract<Address, { is: 'audit' | 'eventSubscriptions' | 'events' | 'activityLog' }>,
): Promise<Answer> {
  if (address.is === 'audit') return answerAudit(request, address.scope)
  if (address.is === 'eventSubscriptions') return answerEventSubscriptions(request, address)
  if (address.is === 'events') return answerEvents(request, address.scope)
  return answerActivityLog(request, address)
}

/** Addresses that take more than GET; each says itself what. */
const takesMore: ReadonlySet<Address['is']> = new Set([
  'resource',
  'action',
  'extension',
  'eventSubscriptions',
  'registration',
  'spaces',
  'tenantsHere',
  'nameCheck',
  'shareInvite',
  'resourceGraph',
  'authorization',
  'deployments',
  'templateHash',
  'tags',
  'tagNames',
] as const)

function isReadOnly({ is }: Address): boolean {
  return !takesMore.has(is)
}

/** `{id}/images` is a list of children, `{id}/share` an action: the types tell. */
function answerActionOrList(
  request: ArmRequest,
  { id, action }: Address & { is: 'action' },
): Promise<Answer> {
  if (request.method === 'POST' && sameType(id.type, resourceGroupType)) {
    const group = { id, type: typeFor(request, id.type) }
    if (isMoveAction(action)) return answerMove(request, group, action)
    if (/^exportTemplate$/i.test(action)) return answerGroupExport(request, group)
  }
  const childType = `${id.type}/${action}`
  if (isAccountPart(childType)) return answerPartList(request, id)
  const isAction = request.method === 'POST' && !request.providers.findType(childType)
  if (!isAction) return answerCollection(request, typeFor(request, childType), id)
  return answerAction({ ...request, id, type: typeFor(request, id.type) }, action)
}

/** Throws InvalidResourceNamespace, InvalidResourceType. */
function findType(request: ArmRequest, type: string): ResourceType {
  const { providers, asked } = request
  const found = providers.findType(type)
  if (found) return found
  const [namespace = '', ...rest] = type.split('/')
  mustServe(request, namespace)
  throw new ArmError(
    'InvalidResourceType',
    `The resource type '${rest.join('/')}' could not be found in the namespace '${namespace}' for api version '${asked.apiVersion}'. ` +
      `The supported types are '${supportedTypes(providers, namespace)}'.`,
  )
}

function supportedTypes(providers: Providers, namespace: string): string {
  const inside = servedTypes(providers).filter((type) =>
    sameType(type.type.split('/')[0] ?? '', namespace),
  )
  return inside.map((type) => type.type).join(',')
}

/** The type at the asked api-version. Throws InvalidResourceType with Azure's words. */
function typeFor(request: ArmRequest, name: string): ResourceType {
  const type = findType(request, name)
  mustHaveApiVersion(type, request.asked.apiVersion)
  return type
}
