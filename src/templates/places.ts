import type { Json, JsonObject } from '../domain/rows.ts'
import { isArray, isObject } from './json.ts'
import type { Position, TemplatePath } from './problem.ts'

/** Where the parts of a template stand in the text that a client sent: line and column by path. JSON, to be kept. */
export type Places = Readonly<Record<string, readonly [line: number, column: number]>>

type PositionOf = (path: TemplatePath) => Position | undefined

/** Resources and outputs whose places are kept; those behind them are told of what they stand in, or not at all. */
const placesMax = 1_000

/** The places of all resources and outputs, those of nested templates too. */
export function placesIn(template: JsonObject, positionOf: PositionOf): Places {
  const places = new Map<string, readonly [number, number]>()
  const note = (path: TemplatePath) => {
    const position = places.size < placesMax ? positionOf(path) : undefined
    if (position !== undefined) places.set(keyOf(path), [position.line, position.column])
  }
  const noteResources = (resources: Json | undefined, path: TemplatePath) => {
    if (!isObject(resources) && !isArray(resources)) return
    for (const [name, source] of Object.entries<Json>(resources)) {
      if (!isObject(source)) continue
      const at = [...path, isArray(resources) ? Number(name) : name]
      note(at)
      noteResources(source.resources, [...at, 'resources'])
      const { properties } = source
      if (isObject(properties)) noteTemplate(properties.template, [...at, 'properties', 'template'])
    }
  }
  const noteTemplate = (within: Json | undefined, path: TemplatePath) => {
    if (!isObject(within)) return
    noteResources(within.resources, [...path, 'resources'])
    if (!isObject(within.outputs)) return
    for (const name of Object.keys(within.outputs)) note([...path, 'outputs', name])
  }
  noteTemplate(template, [])
  return Object.fromEntries(places)
}

/** Of the resource or output that a value is, or stands in. */
export function positionIn(places: Places, path: TemplatePath): Position | undefined {
  for (let length = path.length; length > 0; length--) {
    const [line, column] = places[keyOf(path.slice(0, length))] ?? []
    if (line !== undefined && column !== undefined) return { line, column }
  }
  return undefined
}

function keyOf(path: TemplatePath): string {
  return JSON.stringify(path)
}
