import { readFileSync } from 'node:fs'
import type { Json } from '../../src/domain/rows.ts'
import { isList, isObject } from '../../src/resources/paths.ts'

type Schema = {
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
