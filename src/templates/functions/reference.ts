import type { Json, JsonObject } from '../../domain/rows.ts'
import { type Context, type OwnResource, unknown } from '../context.ts'
import { isObject } from '../json.ts'
import type { Need } from '../needs.ts'
import { TemplateProblem } from '../problem.ts'
import { type Call, type FunctionGroup, made, refused, stringAt } from './function.ts'

/** What resources say of themselves: known only while a deployment runs. */
export const referenceFunctions: FunctionGroup = {
  /** `(nameOrId, [api-version], ['Full'])`: the properties, or the whole resource. */
  reference: made(1, 3, (args, call) => {
    onlyAtRunTime(call)
    const target = targetOf(stringAt(args, 0, call), call)
    const apiVersion = stringAt(args, 1, call) || target.apiVersion
    const wanted = stringAt(args, 2, call)
    if (!['', 'full', 'properties'].includes(wanted.toLowerCase()))
      throw refused(call.name, "its third argument can only be 'Full'.")
    const document = call.context.lookup.find(referenceNeed(target, apiVersion))
    if (document === unknown) return unknown
    return wanted.toLowerCase() === 'full'
      ? fullOf(document, target, apiVersion)
      : propertiesOf(document)
  }),
  /** Of each resource of a loop, by its symbolic name. */
  references: made(1, 2, (args, call) => {
    onlyAtRunTime(call)
    const isFull = stringAt(args, 1, call).toLowerCase() === 'full'
    const targets = call.context.template.ownLoop(stringAt(args, 0, call))
    if (targets === undefined)
      throw refused(call.name, 'its first argument must be the symbolic name of a loop.')
    const found: Json[] = []
    for (const target of targets) {
      const document = call.context.lookup.find(referenceNeed(target, target.apiVersion))
      if (document !== unknown)
        found.push(isFull ? fullOf(document, target, target.apiVersion) : propertiesOf(document))
    }
    return found.length < targets.length ? unknown : found
  }),
}

/** `listKeys` and all its kin: `(nameOrId, api-version, [body])`. */
export const listFunction = made(1, 3, (args, call) => {
  onlyAtRunTime(call)
  const target = targetOf(stringAt(args, 0, call), call)
  const apiVersion = stringAt(args, 1, call) || target.apiVersion
  if (apiVersion === undefined)
    throw refused(call.name, 'it needs an api-version: its second argument.')
  const body = args[2]
  const key = [call.name.toLowerCase(), target.id.toLowerCase(), apiVersion, JSON.stringify(body)]
  return call.context.lookup.find({
    is: 'list',
    key: key.join(' '),
    id: target.id,
    apiVersion,
    action: call.name,
    body,
  })
})

type Target = { readonly id: string; readonly apiVersion: string | undefined }

function referenceNeed({ id }: Target, apiVersion: string | undefined): Need {
  const key = `reference ${id.toLowerCase()} ${apiVersion ?? ''}`
  return { is: 'reference', key, id, apiVersion }
}

function onlyAtRunTime({ name, context }: Call): void {
  if (context.section === 'body' || context.section === 'output') return
  throw new TemplateProblem(
    `The template function '${name}' is not expected at this location. Please see https://aka.ms/arm-functions for usage details.`,
  )
}

/** A resource of this template by any of its names, or one elsewhere by its id. */
function targetOf(text: string, { name, context }: Call): Target {
  const own: OwnResource | undefined = context.template.ownResource(text)
  if (own !== undefined) return own
  if (text.startsWith('/')) return { id: text, apiVersion: newestOf(text, context) }
  throw refused(
    name,
    `the resource '${text}' is not defined in the template; name one of another template by its id.`,
  )
}

/** The first api-version that is known of the type in an id. */
function newestOf(id: string, context: Context): string | undefined {
  const [namespace = '', ...rest] = (id.split('/providers/').at(-1) ?? '').split('/')
  const types = rest.filter((_, at) => at % 2 === 0)
  return context.template.typeOf([namespace, ...types].join('/'))?.apiVersions[0]
}

function propertiesOf(document: Json): Json {
  return isObject(document) ? (document.properties ?? {}) : {}
}

function fullOf(document: Json, target: Target, apiVersion: string | undefined): JsonObject {
  const { id: _id, name: _name, type: _type, ...rest } = isObject(document) ? document : {}
  const parts = target.id.split('/')
  return {
    ...rest,
    apiVersion: apiVersion ?? null,
    referenceApiVersion: apiVersion ?? null,
    subscriptionId: parts[2] ?? '',
    resourceGroupName: parts[3]?.toLowerCase() === 'resourcegroups' ? (parts[4] ?? '') : '',
    resourceId: target.id.split('/providers/').at(-1) ?? target.id,
    condition: true,
    isConditionTrue: true,
    isTemplateResource: false,
    isAction: false,
    provisioningOperation: 'Read',
  }
}
