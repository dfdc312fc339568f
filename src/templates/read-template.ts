import type { Json, JsonObject } from '../domain/rows.ts'
import { isArray, isObject, recased, spellingsOf, textOf } from './json.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'

/** A template whose sections are what they have to be; what is in them is not looked at yet. */
export type Template = {
  readonly whole: JsonObject
  readonly parameters: JsonObject
  readonly variables: JsonObject
  readonly functions: readonly Json[]
  readonly definitions: JsonObject
  readonly resources: readonly TemplateResource[]
  /** Resources have symbolic names (language version 2.0). */
  readonly isSymbolic: boolean
  readonly outputs: JsonObject
}

export type TemplateResource = {
  readonly source: JsonObject
  readonly symbolicName: string | undefined
  readonly path: TemplatePath
}

/** Azure's own bounds. */
const sectionMax = { parameters: 256, variables: 256, outputs: 64 }

const members = spellingsOf([
  '$schema',
  'contentVersion',
  'apiProfile',
  'languageVersion',
  'metadata',
  'definitions',
  'parameters',
  'variables',
  'functions',
  'resources',
  'outputs',
])

const resourceMembers = spellingsOf([
  ...['type', 'name', 'apiVersion', 'scope', 'location', 'tags', 'properties', 'resources'],
  ...['dependsOn', 'condition', 'copy', 'existing', 'comments', 'metadata', 'asserts', 'import'],
  ...['subscriptionId', 'resourceGroup', 'sku', 'kind', 'plan', 'identity', 'zones', 'placement'],
  ...['extendedLocation', 'extension', 'eTag', 'managedBy', 'managedByExtended'],
  ...['options', 'scale'],
])

/** What may follow `https://schema.management.azure.com/schemas/…/`, and where such a template is deployed. */
const schemas: Readonly<Record<string, 'group' | 'subscription' | undefined>> = {
  'deploymenttemplate.json': 'group',
  'subscriptiondeploymenttemplate.json': 'subscription',
}
const schemaForm = /^https?:\/\/schema\.management\.azure\.com\/schemas\/[\w.-]+\/(\w+\.json)#?$/i

/** Looks at the sections of a template. A nested one may have the schema of another scope. Throws TemplateProblem. */
export function readTemplate(sent: JsonObject, scope: 'group' | 'subscription' | 'any'): Template {
  const whole = known(sent, { members, kind: 'Template', path: [] })
  checkSchema(whole.$schema, scope)
  if (typeof whole.contentVersion !== 'string') throw required('contentVersion')
  if (whole.resources === undefined) throw required('resources')
  const isSymbolic = whole.languageVersion !== undefined
  if (isSymbolic && !/^2\.[01](-experimental)?$/.test(textOf(whole.languageVersion)))
    throw unfit(
      `The template language version '${textOf(whole.languageVersion)}' is not supported. Supported versions are '2.0'`,
      ['languageVersion'],
    )
  return {
    whole,
    isSymbolic,
    parameters: section(whole, 'parameters'),
    variables: section(whole, 'variables'),
    definitions: section(whole, 'definitions'),
    outputs: section(whole, 'outputs'),
    functions: isArray(whole.functions) ? whole.functions : [],
    resources: readResources(whole.resources, isSymbolic, ['resources']),
  }
}

/** Resources as an array, or by symbolic names; `path` is where they are. */
export function readResources(
  resources: Json,
  isSymbolic: boolean,
  path: TemplatePath,
): readonly TemplateResource[] {
  if (!isArray(resources) && !(isSymbolic && isObject(resources)))
    throw unfit(`The template resources must be an ${isSymbolic ? 'object' : 'array'}`, path)
  const isNamed = !isArray(resources)
  return Object.entries(resources).map(([name, source]) => {
    const at = [...path, isNamed ? name : Number(name)]
    if (!isObject(source)) throw unfit('A template resource must be an object', at)
    const said = known(source, { members: resourceMembers, kind: 'TemplateResource', path: at })
    return { source: said, symbolicName: isNamed ? name : undefined, path: at }
  })
}

/** The object, its names in their own case. Throws TemplateProblem for one that there is not. */
function known(
  source: JsonObject,
  {
    members,
    kind,
    path,
  }: {
    readonly members: ReadonlyMap<string, string>
    readonly kind: 'Template' | 'TemplateResource'
    readonly path: TemplatePath
  },
): JsonObject {
  for (const name of Object.keys(source))
    if (!members.has(name.toLowerCase()))
      throw unfit(`Could not find member '${name}' on object of type '${kind}'`, [...path, name])
  return recased(source, members)
}

function checkSchema(schema: Json | undefined, scope: 'group' | 'subscription' | 'any'): void {
  if (typeof schema !== 'string') throw required('$schema')
  const file = schemaForm.exec(schema)?.[1]?.toLowerCase() ?? ''
  const wanted = schemas[file]
  if (wanted !== undefined && (scope === 'any' || scope === wanted)) return
  const [name, example] =
    scope === 'subscription'
      ? ['a subscription', 'subscriptionDeploymentTemplate.json']
      : ['a resource group', 'deploymentTemplate.json']
  throw unfit(
    `The template schema '${schema.slice(0, 200)}' is not supported in a deployment to ${name}. Use a schema like 'https://schema.management.azure.com/schemas/2019-04-01/${example}#'; templates for management groups and tenants cannot be deployed here`,
    ['$schema'],
  )
}

function section(whole: JsonObject, name: 'definitions' | keyof typeof sectionMax): JsonObject {
  const value = whole[name] ?? {}
  if (!isObject(value)) throw unfit(`The template ${name} must be an object`, [name])
  const count = Object.keys(value).length
  if (name !== 'definitions' && count > sectionMax[name])
    throw new TemplateProblem(
      `Deployment template validation failed: 'The number of template ${name} limit exceeded. Limit: '${sectionMax[name]}' and actual: '${count}'. Please see https://aka.ms/arm-template/#${name} for usage details.'.`,
      [name],
    )
  return value
}

function required(name: string): TemplateProblem {
  return unfit(`Required property '${name}' not found in JSON`, [])
}

function unfit(what: string, path: TemplatePath): TemplateProblem {
  return new TemplateProblem(
    `Deployment template parse failed: '${what}. Path '${path.join('.')}'{at}.'.`,
    path,
  )
}
