import { z } from 'zod'
import { ArmError } from '../domain/errors.ts'
import { mustBeKept } from '../domain/json-text.ts'
import { limits } from '../domain/limits.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import { isObject } from '../resources/paths.ts'

const object = z.custom<JsonObject>((value) => isObject(value), 'an object is expected')

const mode = z.preprocess(
  (value) => (typeof value === 'string' ? value.toLowerCase() : value),
  z.enum(['incremental', 'complete']),
)

const Body = z.object({
  location: z.string().max(128).nullish(),
  tags: z.record(z.string().max(512), z.string().max(256)).nullish(),
  properties: z.object({
    mode: mode.nullish(),
    template: object.nullish(),
    templateLink: object.nullish(),
    parameters: object.nullish(),
    parametersLink: object.nullish(),
    onErrorDeployment: object.nullish(),
    whatIfSettings: z.object({ resultFormat: z.string().nullish() }).nullish(),
  }),
})

/** What a client wants deployed, read. */
export type DeploymentRequest = {
  readonly location: string | undefined
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly mode: 'Incremental' | 'Complete'
  readonly template: JsonObject
  /** `{ name: { value } }`. */
  readonly parameters: JsonObject
  /** Of a what-if: whole resources, not their ids alone. */
  readonly wholeResources: boolean
}

/** Throws InvalidRequestContent, InvalidContentLink, InvalidDeployment and the like in Azure's words. */
export function readRequest(target: ResourceId, body: JsonObject): DeploymentRequest {
  mustBeName(target.name)
  mustBeKept(JSON.stringify(body))
  const parsed = Body.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const path = issue?.path.join('.') ?? ''
    throw new ArmError(
      'InvalidRequestContent',
      `The request content was invalid and could not be deserialized: '${issue?.message ?? 'another shape is expected'}. Path '${path}''.`,
      path,
    )
  }
  const { location, tags, properties } = parsed.data
  refuseLinks(properties)
  const asked = properties.mode === 'complete' ? 'Complete' : 'Incremental'
  mustFitScope(target, location ?? undefined, asked)
  if (!properties.template) {
    const message =
      "The 'template' property is missing. Send the template in the body, as 'properties.template'."
    throw new ArmError('InvalidRequestContent', message, 'properties.template')
  }
  return {
    location: location ?? undefined,
    tags: tags ?? undefined,
    mode: asked,
    template: properties.template,
    parameters: properties.parameters ?? {},
    wholeResources: properties.whatIfSettings?.resultFormat?.toLowerCase() !== 'resourceidonly',
  }
}

function mustBeName(name: string): void {
  if (name.length <= limits.deploymentNameCharsMax && /^[-\w.()]+$/.test(name)) return
  throw new ArmError(
    'InvalidDeployment',
    `The deployment name '${name.slice(0, 100)}' is not allowed: write 1 to ${limits.deploymentNameCharsMax} letters, digits, hyphens, underscores, periods or parentheses.`,
    'deploymentName',
  )
}

function refuseLinks(properties: z.infer<typeof Body>['properties']): void {
  for (const name of ['templateLink', 'parametersLink'] as const) {
    if (!properties[name]) continue
    const instead = name === 'templateLink' ? 'template' : 'parameters'
    const message = `'${name}' is not followed here: neither files elsewhere nor template specs are fetched. Send the content itself as 'properties.${instead}'.`
    throw new ArmError('InvalidContentLink', message, `properties.${name}`)
  }
  if (!properties.onErrorDeployment) return
  const message =
    "'onErrorDeployment' is not available here: leave it out, and deploy an earlier template again after a failure."
  throw new ArmError('InvalidDeployment', message, 'properties.onErrorDeployment')
}

function mustFitScope(
  { name, resourceGroup }: ResourceId,
  location: string | undefined,
  asked: DeploymentRequest['mode'],
): void {
  const see = 'Please see https://aka.ms/deploy-to-subscription for usage details.'
  if (resourceGroup !== undefined && location !== undefined) {
    const message = `The 'location' property is not allowed for '${name}' at resource group scope. ${see}`
    throw new ArmError('InvalidDeployment', message, 'location')
  }
  if (resourceGroup !== undefined) return
  if (location === undefined) {
    const message = `The 'location' property must be specified for '${name}'. ${see}`
    throw new ArmError('InvalidDeployment', message, 'location')
  }
  if (asked === 'Incremental') return
  const message = `The mode 'Complete' is not allowed for '${name}' at subscription scope: use 'Incremental'. ${see}`
  throw new ArmError('InvalidDeployment', message, 'properties.mode')
}
