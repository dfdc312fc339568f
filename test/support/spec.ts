import { readFileSync } from 'node:fs'
import type { Json } from '../../src/domain/rows.ts'
import { isList, isObject } from '../../src/resources/paths.ts'

type Schema = {
  /** Of `shared` in the same file. */
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly open?: boolean
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema
}

type Sharing = 'SharedGallery' | 'CommunityGallery'
export type SpecName =
  | 'Gallery'
  | 'GalleryImage'
  | 'GalleryImageVersion'
  | 'Disk'
  | 'Snapshot'
  | `${Sharing}${'' | 'Image' | 'ImageVersion'}`

/** What of `document` Azure's definition in this file does not know or says otherwise; [] when it fits. */
export function specFaults(file: string, name: SpecName, document: Json): readonly string[] {
  const url = new URL(`../golden/spec/${file}.json`, import.meta.url)
  const schemas: Record<string, Schema> = JSON.parse(readFileSync(url, 'utf8'))
  const schema = schemas[name]
  return schema ? faults(schema, document, name) : [`no definition of ${name}`]
}

/** Type → api-version → what Azure says of it, from a file of types. */
export function readSpecTypes(file: SpecFile) {
  const url = new URL(`../golden/spec/types-${file}.json`, import.meta.url)
  const {
    shared = {},
    ...types
  }: Record<string, Record<string, Schema>> = JSON.parse(readFileSync(url, 'utf8'))
  const schemaOf = (type: string, apiVersion: string) => types[type]?.[apiVersion]
  return {
    versionsOf: (type: string) => Object.keys(types[type] ?? {}),
    /** As `specFaults`. What only a request says is not expected. */
    faultsOf(type: string, apiVersion: string, document: Json): readonly string[] {
      const schema = schemaOf(type, apiVersion)
      if (!schema) return [`no definition of ${type} at ${apiVersion}`]
      return faults(whole(schema, shared), document, apiVersion)
    },
  }
}

/**
 * As `specFaults`, of what an answer to `ask` (`GET usages`) says: by the definition of the nearest api-version before it, or by
 * the first.
 */
export function bodyFaults(ask: string, apiVersion: string, body: Json): readonly string[] {
  const url = new URL('../golden/spec/bodies.json', import.meta.url)
  const bodies: Record<string, Record<string, Schema>> = JSON.parse(readFileSync(url, 'utf8'))
  const versions = Object.entries(bodies[ask] ?? {})
  const before = versions.filter(([version]) => version <= apiVersion)
  const [, schema] = before.at(-1) ?? versions[0] ?? []
  return schema ? faults(schema, body, apiVersion) : [`no definition of ${ask}`]
}

type SpecFile = 'compute' | 'resources' | 'authorization' | 'storage'

/** With the shared parts in their places; Azure's types have no cycles. */
function whole(schema: Schema, shared: Readonly<Record<string, Schema>>): Schema {
  const { $ref, properties, items, additionalProperties, ...others } = schema
  const named = $ref === undefined ? undefined : shared[$ref]
  if (named) return whole(named, shared)
  const inside = Object.entries(properties ?? {}).map(([name, one]) => [name, whole(one, shared)])
  return {
    ...others,
    ...(properties && { properties: Object.fromEntries(inside) }),
    ...(items && { items: whole(items, shared) }),
    ...(additionalProperties && { additionalProperties: whole(additionalProperties, shared) }),
  }
}

function faults(schema: Schema, value: Json, path: string): readonly string[] {
  if (schema.items) {
    if (!isList(value)) return [`${path} is no list`]
    const { items } = schema
    return value.flatMap((one, index) => faults(items, one, `${path}[${index}]`))
  }
  if (schema.properties ?? schema.additionalProperties) return objectFaults(schema, value, path)
  return [...typeFaults(schema, value, path), ...enumFaults(schema, value, path)]
}

function objectFaults(schema: Schema, value: Json, path: string): readonly string[] {
  if (!isObject(value)) return [`${path} is no object`]
  const missing = (schema.required ?? []).filter((name) => value[name] === undefined)
  return [
    ...missing.map((name) => `${path}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, inner]) => {
      const known = schema.properties?.[name] ?? schema.additionalProperties
      return known ? faults(known, inner, `${path}.${name}`) : [`${path}.${name} is unknown`]
    }),
  ]
}

function typeFaults({ type }: Schema, value: Json, path: string): readonly string[] {
  if (type === undefined || type === 'object') return []
  const kind = typeof value
  const fits = type === 'integer' ? Number.isInteger(value) : kind === type
  return fits ? [] : [`${path} is a ${kind}, not a ${type}`]
}

function enumFaults(schema: Schema, value: Json, path: string): readonly string[] {
  if (!schema.enum || schema.open || schema.enum.includes(String(value))) return []
  return [`${path} is '${String(value)}', not one of ${schema.enum.join(', ')}`]
}
