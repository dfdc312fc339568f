import { parentOf, parseResourceId, type ResourceId } from '../domain/resource-id.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import type { ResourceType } from '../resources/declaration.ts'
import { planPut } from '../resources/evolve.ts'
import { isList, isObject } from '../resources/paths.ts'
import { protectedText } from '../templates/expression.ts'

/** A resource as GET shows it at the newest api-version of its type. */
export type Shown = {
  readonly type: ResourceType
  readonly id: ResourceId
  readonly body: JsonObject
}

/** What an export may be asked for, as Azure names it. */
export const exportOptions = [
  'IncludeParameterDefaultValue',
  'IncludeComments',
  'SkipResourceNameParameterization',
  'SkipAllParameterization',
] as const
export type ExportOptions = ReadonlySet<(typeof exportOptions)[number]>

const $schema = 'https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#'

/**
 * The template that makes these resources anew, parents and sources before what needs them, and the types that are not in it.
 * Names are parameters, and so are the ids of what it does not make, as far as the options leave them to be. Pure.
 */
export function groupTemplate(
  resources: readonly Shown[],
  options: ExportOptions,
): { readonly template: JsonObject; readonly left: readonly string[] } {
  const parameters = openParameters(options.has('IncludeParameterDefaultValue'))
  const writing = { options, parameters, made: new Map(resources.map((one) => [one.id.key, one])) }
  const written = resources.map((one) => writtenOf(writing, one))
  const template = {
    $schema,
    contentVersion: '1.0.0.0',
    parameters: parameters.all(),
    variables: {},
    resources: written.filter((one) => one !== undefined),
  }
  const left = resources.flatMap(({ type }, at) => {
    const parts = type.type === 'Microsoft.Storage/storageAccounts' ? accountParts : []
    return written[at] ? parts : [type.type]
  })
  return { template, left: [...new Set(left)] }
}

/** What lies in a storage account is told nobody but by its own requests. */
const accountParts = ['Microsoft.Storage/storageAccounts/blobServices/containers']

type Parameters = ReturnType<typeof openParameters>
type Writing = {
  readonly options: ExportOptions
  readonly parameters: Parameters
  /** By key. */
  readonly made: ReadonlyMap<string, Shown>
}

/** Undefined for what cannot be sent as it is shown. */
function writtenOf(writing: Writing, { type, id, body }: Shown): JsonObject | undefined {
  const apiVersion = type.apiVersions.at(-1) ?? ''
  const planned = planPut(type, { body, stored: undefined, apiVersion })
  if ('problems' in planned) return undefined
  const { location, tags, ...rest } = planned.doc
  const needed = new Set(aboveOf(id).flatMap(({ key }) => writing.made.get(key) ?? []))
  const said = mapTexts(rest, (text) => {
    const named = text.startsWith('/') ? parseResourceId(text) : undefined
    if (!named?.resourceGroup || !named.key.includes('/providers/')) return protectedText(text)
    const made = writing.made.get(named.key)
    if (!made) return outsideOf(writing, named)
    needed.add(made)
    return idIn(writing, made)
  })
  const dependsOn = [...needed].map((one) => idIn(writing, one))
  return {
    ...(writing.options.has('IncludeComments') && {
      comments: `Generalized from resource: '${id.text}'.`,
    }),
    type: type.type,
    apiVersion,
    name: nameIn(writing, { type, id }),
    ...(location !== undefined && { location }),
    ...(tags !== undefined && { tags: mapTexts(tags, protectedText) }),
    ...(dependsOn.length > 0 && { dependsOn }),
    ...(isObject(said) && said),
  }
}

/** The resources above, the outermost first. */
function aboveOf(id: ResourceId): readonly ResourceId[] {
  const parent = id.names.length > 1 ? parentOf(id) : undefined
  return parent ? [...aboveOf(parent), parent] : []
}

type Named = Pick<Shown, 'type' | 'id'>

function nameIn(writing: Writing, named: Named): string {
  const [first = '', ...rest] = named.id.names
  const outermost = nameParameter(writing, named)
  if (outermost === undefined) return [first, ...rest].join('/')
  return rest.length === 0
    ? `[${outermost}]`
    : `[concat(${outermost}, ${quoted(`/${rest.join('/')}`)})]`
}

function idIn(writing: Writing, named: Named): string {
  const [first = '', ...rest] = named.id.names
  const outermost = nameParameter(writing, named) ?? quoted(first)
  const parts = [quoted(named.type.type), outermost, ...rest.map(quoted)]
  return `[resourceId(${parts.join(', ')})]`
}

/** Undefined where names are not parameters. */
function nameParameter({ options, parameters }: Writing, { type, id }: Named): string | undefined {
  const skips =
    options.has('SkipResourceNameParameterization') || options.has('SkipAllParameterization')
  const [, kind = ''] = type.type.split('/')
  const [name = ''] = id.names
  return skips ? undefined : parameters.of(`${kind}_${name}_name`, name)
}

function outsideOf({ options, parameters }: Writing, { type, names, text }: ResourceId): string {
  if (options.has('SkipAllParameterization')) return text
  const kind = type.split('/').at(-1)
  return `[${parameters.of(`${kind}_${names.join('_')}_externalid`, text)}]`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** One parameter a value; names that come out the same are numbered. */
function openParameters(hasDefaults: boolean) {
  const known = new Map<string, { readonly name: string; readonly value: string }>()

  function of(wanted: string, value: string): string {
    const base = wanted.replaceAll(/[^A-Za-z0-9_]/g, '_')
    let name = base
    for (let turn = 1; ; turn++) {
      const held = known.get(name.toLowerCase())
      if (!held) known.set(name.toLowerCase(), { name, value })
      if (!held || held.value.toLowerCase() === value.toLowerCase())
        return `parameters(${quoted(held?.name ?? name)})`
      name = `${base}_${turn}`
    }
  }

  function all(): JsonObject {
    const members = [...known.values()].map(({ name, value }) => {
      const defaultValue = protectedText(value)
      return [name, { ...(hasDefaults && { defaultValue }), type: 'String' }] as const
    })
    return Object.fromEntries(members)
  }

  return { of, all }
}

/** A copy whose texts are others; names of members stay what they are. */
function mapTexts(value: Json, other: (text: string) => string): Json {
  if (typeof value === 'string') return other(value)
  if (isList(value)) return value.map((one) => mapTexts(one, other))
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([name, inner]) => {
    return [protectedText(name), mapTexts(inner, other)] as const
  })
  return Object.fromEntries(members)
}
