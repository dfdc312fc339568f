import { type Caller, remarkFor } from '../domain/access.ts'
import { ArmError, type ErrorCode, TemplateRefused } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { actionOn, parseResourceId, sameType } from '../domain/resource-id.ts'
import { regionProblems } from '../providers/plan-write.ts'
import type { Plan, PlannedResource } from '../templates/planned.ts'
import type { TemplatePath } from '../templates/problem.ts'
import type { DeploymentPorts } from './ports.ts'
import { type PositionOf, violation } from './told-error.ts'

type Judged = {
  readonly ports: DeploymentPorts
  readonly caller: Caller
  /** It comes from another deployment, whose secrets may stand in it as plain text. */
  readonly isNested: boolean
  readonly positionOf?: PositionOf | undefined
}

type Fault = {
  readonly code: ErrorCode
  readonly message: string
  readonly path: TemplatePath
  readonly id: string
}

/**
 * Everything that is known to fail before anything is written: types that are not served, api-versions, names, and what the
 * caller may not write, in nested templates too. Throws all of it as one error.
 */
export function preflight(judged: Judged, plan: Plan): void {
  const all = writtenBy(plan)
  if (all.length > limits.deploymentResourcesMax) {
    const message = `Deployment template validation failed: 'The number of template resources limit exceeded. Limit: '${limits.deploymentResourcesMax}' and actual: '${all.length}'. Please see https://aka.ms/arm-limits for more details.'.`
    throw new TemplateRefused('InvalidTemplate', message, [])
  }
  const places = judged.isNested
    ? []
    : plan.resources.flatMap((resource) => placeFaults(judged.ports, resource))
  const faults = [...all.flatMap((resource) => faultsOf(judged, resource)), ...places]
  const [first, ...rest] = faults
  if (!first) return
  const isDenied = faults.every(({ code }) => code === 'AuthorizationFailed')
  const code = isDenied ? 'AuthorizationFailed' : 'InvalidTemplateDeployment'
  const message =
    rest.length === 0
      ? first.message
      : `Deployment failed with multiple errors: '${faults
          .slice(0, toldMax)
          .map((fault) => fault.message)
          .join(':')}'`
  const where = faults.slice(0, toldMax).flatMap((fault) => violation(fault, judged.positionOf))
  const details = faults
    .slice(0, toldMax)
    .map((fault) => ({ code: fault.code, message: fault.message, target: fault.id }))
  throw new TemplateRefused(code, message, where, details)
}

/** The record of a deployment of a subscription lies in a region that is served, too. Throws LocationNotAvailableForDeployment. */
export function mustLieHere(
  { providers: { settings } }: DeploymentPorts,
  location: string | undefined,
): void {
  const { regions } = settings
  if (location === undefined || regions.find(location)) return
  const list = regions.all.map(({ name }) => name).join(',')
  throw new ArmError(
    'LocationNotAvailableForDeployment',
    `The provided location '${location}' is not available for deployment. List of available regions is '${list}'.`,
    'location',
  )
}

/** Faults that one refusal tells. */
const toldMax = 20

/** Also what nested templates write, as far as it is known by now. */
function writtenBy({ resources }: Plan): readonly PlannedResource[] {
  return resources.flatMap((resource) => [
    resource,
    ...(resource.nested?.plan ? writtenBy(resource.nested.plan) : []),
  ])
}

function faultsOf(judged: Judged, resource: PlannedResource): readonly Fault[] {
  const { id, path } = resource
  const type = writtenType(resource)
  const known = judged.ports.typeOf(type)
  if (!known) return [{ code: 'InvalidTemplateDeployment', message: notServed(resource), path, id }]
  if (!known.apiVersions.some((one) => sameType(one, resource.apiVersion))) {
    const message = `The template resource '${resource.name}' of type '${type}' has the api-version '${resource.apiVersion}', which is not served. The supported api-versions are '${known.apiVersions.join(', ')}'.`
    return [{ code: 'InvalidTemplateDeployment', message, path, id }]
  }
  if (resource.isExisting) return []
  const denied = deniedOf(judged, resource)
  const named = nameFaults(judged.ports, resource)
  return [...denied, ...named]
}

/** Of `…/galleries/providers/locks` with the name `g/Microsoft.Authorization/l`: what hangs on the gallery. */
export function writtenType({ type, id }: Pick<PlannedResource, 'type' | 'id'>): string {
  if (!/\/providers\//i.test(type)) return type
  const at = id.toLowerCase().lastIndexOf(providers) + providers.length
  const [namespace = '', ...rest] = id.slice(at).split('/')
  return [namespace, ...rest.filter((_, index) => index % 2 === 0)].join('/')
}

const providers = '/providers/'

function notServed({ name, type }: PlannedResource): string {
  const later = /^microsoft\.(compute\/virtualmachine|network\/)/i.test(type)
    ? ' Virtual machines and what belongs to them come with a later release.'
    : ''
  return `The template resource '${name}' has the type '${type}', which is not served here.${later} Take it out of the template and deploy the rest.`
}

function deniedOf({ caller, ports }: Judged, resource: PlannedResource): readonly Fault[] {
  const { id, path } = resource
  const type = writtenType(resource)
  const action = actionOn(ports.providers.findType(type)?.type ?? type, 'write')
  if (caller.may(action, id)) return []
  const message = `Authorization failed for template resource '${resource.name}' of type '${resource.type}'. The client '${caller.name}' with object id '${caller.principalId}' does not have permission to perform action '${action}' at scope '${id}'.${remarkFor(caller)}`
  return [{ code: 'AuthorizationFailed', message, path, id }]
}

function nameFaults({ providers }: DeploymentPorts, resource: PlannedResource): readonly Fault[] {
  const { id, path } = resource
  const parsed = parseResourceId(id)
  const type = providers.findType(resource.type)
  if (!parsed || !type) return []
  return type.nameProblems(parsed.name, providers.settings).map(({ message }) => ({
    ...{ code: 'InvalidParameter' as const, path, id },
    message: `The template resource '${resource.name}' of type '${resource.type}' is not valid: ${message}`,
  }))
}

/** A location that is known by now. One that a secure parameter gives is judged when it is written, where it is hidden. */
function placeFaults({ providers }: DeploymentPorts, resource: PlannedResource): readonly Fault[] {
  const { id, path, body } = resource
  const type = providers.findType(resource.type)
  const { location } = body.known
  const isAt = (place: readonly (string | number)[]): boolean => place[0] === 'location'
  const isLater = body.secretPaths.some(isAt) || body.holes.some((hole) => isAt(hole.path))
  if (!type || resource.isExisting || isLater || typeof location !== 'string') return []
  return regionProblems(type, location, providers.settings).map(({ code, message }) => ({
    ...{ code, path, id },
    message: `The template resource '${resource.name}' of type '${resource.type}' is not valid: ${message}`,
  }))
}
