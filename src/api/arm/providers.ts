import { mustBeAllowed } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import { actionOn } from '../../domain/resource-id.ts'
import { findSubscription } from '../../providers/front-door.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, notAllowed } from './answer.ts'
import { namespaceOf, type ServedType, servedTypes } from './served-types.ts'

/**
 * The resource providers with their types, as a subscription or the tenant sees them: what az reads to find an api-version
 * for `az resource`.
 */
export function answerProviders(
  { providers, asked, query }: ArmRequest,
  subscription: string | undefined,
  namespace: string | undefined,
): Answer {
  const scope = subscription === undefined ? '' : `/subscriptions/${subscription}`
  if (subscription !== undefined) {
    mustBeAllowed(asked.caller, 'Microsoft.Resources/subscriptions/providers/read', scope)
    findSubscription(providers, subscription)
  }
  const types = servedTypes(providers)
  const locations = providers.settings.regions.all.map((region) => region.displayName)
  const expands = /(^|,)\s*resourcetypes\/aliases\s*(,|$)/i.test(query.get('$expand') ?? '')
  const bodyOf = (name: string) => ({
    ...(scope !== '' && { id: `${scope}/providers/${name}` }),
    namespace: name,
    registrationState: 'Registered',
    registrationPolicy: 'RegistrationRequired',
    resourceTypes: types
      .filter(({ type }) => namespaceOf(type) === name)
      .map(({ type, apiVersions, tracked }) => ({
        resourceType: type.slice(name.length + 1),
        locations: tracked ? locations : [],
        apiVersions: [...apiVersions].sort().reverse(),
        capabilities: tracked ? 'SupportsTags, SupportsLocation' : 'None',
        ...(expands && { aliases: [] }),
      })),
  })
  const names = namespacesOf(types)
  if (namespace === undefined) return { status: 200, body: { value: names.map(bodyOf) } }
  return { status: 200, body: bodyOf(mustBeServed(names, namespace)) }
}

/** What is served is registered already, and stays: clients that register first (az, Terraform) are told so. */
export function answerRegistration(
  request: ArmRequest,
  { subscription, namespace, verb }: Address & { readonly is: 'registration' },
): Answer {
  if (request.method !== 'POST') throw notAllowed(request.method)
  const answer = answerProviders(request, subscription, namespace)
  if (verb === 'register') return answer
  const message = `'${namespace}' is served here, and so registered in every subscription. There is nothing to unregister.`
  throw new ArmError('OperationNotAllowed', message)
}

/** The actions that roles may name: of a provider, or of all, as `az provider operation` and the providers themselves list them. */
export function answerProviderOperations(
  { providers }: ArmRequest,
  { namespace, form }: Address & { readonly is: 'providerOperations' },
): Answer {
  const types = servedTypes(providers)
  const names = namespacesOf(types)
  if (form === 'list') {
    const of = mustBeServed(names, namespace ?? '')
    return { status: 200, body: { value: typesOf(types, of).flatMap(operationsOf) } }
  }
  const bodyOf = (name: string) => ({
    id: `/providers/Microsoft.Authorization/providerOperations/${name}`,
    name,
    type: 'Microsoft.Authorization/providerOperations',
    displayName: name,
    operations: [],
    resourceTypes: typesOf(types, name).map((each) => ({
      name: each.type.slice(name.length + 1),
      displayName: each.type.slice(name.length + 1),
      operations: operationsOf(each).map((operation) => ({
        name: operation.name,
        displayName: operation.display.operation,
        description: operation.display.description,
        isDataAction: operation.isDataAction,
      })),
    })),
  })
  if (namespace === undefined) return { status: 200, body: { value: names.map(bodyOf) } }
  return { status: 200, body: bodyOf(mustBeServed(names, namespace)) }
}

function operationsOf({ type, actions, dataActions, isReadOnly }: ServedType) {
  const verbs = isReadOnly ? (['read'] as const) : (['read', 'write', 'delete'] as const)
  const provider = namespaceOf(type)
  const resource = type.slice(provider.length + 1)
  const told = (operation: string, name: string, isDataAction: boolean) => ({
    name,
    isDataAction,
    display: { provider, resource, operation, description: `${operation} of ${resource}` },
  })
  return [
    ...verbs.map((verb) => told(verb, actionOn(type, verb), false)),
    ...actions.map((action) => told(action, `${type}/${action}/action`, false)),
    ...dataActions.map((action) => told(action, `${type}/${action}`, true)),
  ]
}

function typesOf(types: readonly ServedType[], namespace: string): readonly ServedType[] {
  return types.filter(({ type }) => namespaceOf(type) === namespace)
}

function namespacesOf(types: readonly ServedType[]): readonly string[] {
  return [...new Set(types.map(({ type }) => namespaceOf(type)))]
}

/** Throws InvalidResourceNamespace for one of which nothing is served. */
export function mustServe({ providers }: Pick<ArmRequest, 'providers'>, namespace: string): void {
  mustBeServed([...namespacesOf(servedTypes(providers)), ownNamespace], namespace)
}

/** What Azure has no field for hangs below it, and has no types. */
const ownNamespace = 'Vitrine.Gallery'

function mustBeServed(names: readonly string[], namespace: string): string {
  const found = names.find((name) => name.toLowerCase() === namespace.toLowerCase())
  if (found !== undefined) return found
  throw new ArmError(
    'InvalidResourceNamespace',
    `The resource namespace '${namespace}' is invalid.`,
  )
}
