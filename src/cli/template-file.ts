import { readFile } from 'node:fs/promises'
import { objectOr } from '../client/client.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { UsageError } from './usage-error.ts'

const stringsAndComments = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g

/** A template or a file of parameters: JSON that may hold comments, as text and read. Throws UsageError. */
export async function readTemplateFile(
  file: string,
): Promise<{ readonly text: string; readonly template: JsonObject }> {
  const read = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`'${file}' cannot be read: ${error.message}.`)
  })
  const text = read.replace(/^\ufeff/, '')
  const plain = text.replace(stringsAndComments, (found) =>
    found.startsWith('"')
      ? found.replaceAll(/[\n\r\t]/g, escaped)
      : found.replaceAll(/[^\n]/g, ' '),
  )
  return { text, template: parsed(plain, `'${file}'`) }
}

/** Strings may go over several lines, as az and Azure take them. */
function escaped(mark: string): string {
  return JSON.stringify(mark).slice(1, -1)
}

/** `{ name: { value } }` from a file of parameters and from `name=value` pairs, which come first. Throws UsageError. */
export async function readParameters(
  template: JsonObject,
  file: string | undefined,
  pairs: readonly (readonly [string, string])[],
): Promise<JsonObject> {
  const document = file === undefined ? {} : (await readTemplateFile(file)).template
  const inFile = objectOr(document.parameters ?? document)
  const declared = objectOr(template.parameters)
  const given = pairs.map(([name, text]) => {
    const type = String(objectOr(declared[name]).type ?? 'string').toLowerCase()
    const value: Json = type.endsWith('string') ? text : readValue(name, text)
    return [name, { value }] as const
  })
  return { ...inFile, ...Object.fromEntries(given) }
}

function readValue(name: string, text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`The parameter '${name}' is no string: write its value as JSON.`)
  }
}

function parsed(text: string, what: string): JsonObject {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${what} is no JSON: ${error instanceof Error ? error.message : error}.`)
  }
  const object = objectOr(value)
  if (object === value) return object
  throw new UsageError(`${what} is no JSON object.`)
}
