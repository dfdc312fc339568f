import type { Json, JsonObject } from '../domain/rows.ts'
import { isObject } from './json.ts'
import { type Position, type TemplatePath, TemplateProblem } from './problem.ts'

/** What a client sent, and where in it each value stands. */
export type ReadBody = {
  readonly body: JsonObject
  /** Of a value by its path from the root of the body; undefined when there is none. */
  readonly positionOf: (path: TemplatePath) => Position | undefined
}

/** Deeper than any resource is; readers below recurse. */
const depthMax = 100

type Members = Map<string | number, number>
type Reader = {
  readonly text: string
  at: number
  /** Of each object and array: where the values begin that are in it. */
  readonly places: WeakMap<object, Members>
}

/**
 * Reads the body of a deployment request: JSON as Resource Manager takes it, with comments, trailing commas, names
 * without quotes, strings in single quotes or over several lines; az puts a template file into the body as it is.
 * Throws TemplateProblem `InvalidRequestContent`, with the line and column.
 */
export function readTemplateBody(text: string): ReadBody {
  const reader: Reader = {
    text,
    at: text.charCodeAt(0) === 0xfe_ff ? 1 : 0,
    places: new WeakMap(),
  }
  skipBlank(reader)
  const start = reader.at
  const body = readValue(reader, 0)
  skipBlank(reader)
  if (reader.at < text.length) throw unexpected(reader, 'Additional text encountered after')
  if (!isObject(body)) throw invalid(reader, start, 'The body of a deployment is a JSON object')
  let lines: readonly number[] | undefined
  return {
    body,
    positionOf(path) {
      let value: Json | undefined = body
      let offset: number | undefined = start
      for (const part of path) {
        if (typeof value !== 'object' || value === null) return undefined
        offset = reader.places.get(value)?.get(part)
        if (offset === undefined) return undefined
        // Its own member, whatever its name.
        value = Object.getOwnPropertyDescriptor(value, part)?.value
      }
      lines ??= lineStarts(text)
      return positionAt(lines, offset)
    },
  }
}

function readValue(reader: Reader, depth: number): Json {
  if (depth > depthMax)
    throw invalid(reader, reader.at, `The reader's MaxDepth of ${depthMax} has been exceeded`)
  const mark = reader.text[reader.at]
  if (mark === '{') return readObject(reader, depth)
  if (mark === '[') return readArray(reader, depth)
  if (mark === '"' || mark === "'") return readString(reader, mark)
  return readWord(reader)
}

function readObject(reader: Reader, depth: number): JsonObject {
  const entries: [string, Json][] = []
  const members: Members = new Map()
  reader.at++
  for (skipBlank(reader); reader.text[reader.at] !== '}'; skipBlank(reader)) {
    const name = readName(reader)
    skipBlank(reader)
    if (reader.text[reader.at] !== ':')
      throw unexpected(
        reader,
        "Invalid character after parsing property name. Expected ':' but got",
      )
    reader.at++
    skipBlank(reader)
    members.set(name, reader.at)
    entries.push([name, readValue(reader, depth + 1)])
    endOfMember(reader, '}')
  }
  reader.at++
  // Its own properties, whatever their names: `__proto__` is one of them.
  const object = Object.fromEntries(entries)
  reader.places.set(object, members)
  return object
}

function readArray(reader: Reader, depth: number): readonly Json[] {
  const array: Json[] = []
  const members: Members = new Map()
  reader.at++
  for (skipBlank(reader); reader.text[reader.at] !== ']'; skipBlank(reader)) {
    members.set(array.length, reader.at)
    array.push(readValue(reader, depth + 1))
    endOfMember(reader, ']')
  }
  reader.at++
  reader.places.set(array, members)
  return array
}

function endOfMember(reader: Reader, end: string): void {
  skipBlank(reader)
  if (reader.text[reader.at] === ',') reader.at++
  else if (reader.text[reader.at] !== end)
    throw unexpected(reader, 'After parsing a value an unexpected character was encountered:')
}

const nameForm = /[A-Za-z_$][\w$-]*/y

function readName(reader: Reader): string {
  const mark = reader.text[reader.at]
  if (mark === '"' || mark === "'") return readString(reader, mark)
  nameForm.lastIndex = reader.at
  const name = nameForm.exec(reader.text)?.[0]
  if (name === undefined) throw unexpected(reader, 'Invalid property identifier character:')
  reader.at += name.length
  return name
}

const wordForm = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

function readWord(reader: Reader): Json {
  wordForm.lastIndex = reader.at
  const word = wordForm.exec(reader.text)?.[0]
  if (word === undefined)
    throw unexpected(reader, 'Unexpected character encountered while parsing value:')
  reader.at += word.length
  const value: Json = JSON.parse(word)
  if (typeof value === 'number' && !Number.isFinite(value))
    throw invalid(reader, reader.at, `The number '${word.slice(0, 40)}' is too large`)
  return value
}

const plainForm = { '"': /[^"\\]*/y, "'": /[^'\\]*/y }
const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
}

function readString(reader: Reader, quote: '"' | "'"): string {
  const start = reader.at++
  const form = plainForm[quote]
  let value = ''
  for (;;) {
    form.lastIndex = reader.at
    const plain = form.exec(reader.text)?.[0] ?? ''
    value += plain
    reader.at += plain.length
    const mark = reader.text[reader.at++]
    if (mark === quote) return value
    if (mark === undefined)
      throw invalid(reader, start, `Unterminated string. Expected delimiter: ${quote}`)
    value += readEscape(reader)
  }
}

function readEscape(reader: Reader): string {
  const mark = reader.text[reader.at++] ?? ''
  const simple = escapes[mark]
  if (simple !== undefined) return simple
  const digits = reader.text.slice(reader.at, reader.at + 4)
  if (mark !== 'u' || !/^[\dA-Fa-f]{4}$/.test(digits))
    throw invalid(reader, reader.at, `Bad JSON escape sequence: \\${mark}`)
  reader.at += 4
  return String.fromCharCode(Number.parseInt(digits, 16))
}

const blankForm = /[\s\ufeff]*/y
const lineForm = /[^\n\r]*/y

/** Moves past white space and comments. */
function skipBlank(reader: Reader): void {
  for (;;) {
    skip(reader, blankForm)
    if (reader.text.startsWith('//', reader.at)) skip(reader, lineForm)
    else if (reader.text.startsWith('/*', reader.at)) {
      const end = reader.text.indexOf('*/', reader.at + 2)
      if (end < 0) throw invalid(reader, reader.at, 'Unexpected end while parsing comment')
      reader.at = end + 2
    } else return
  }
}

function skip(reader: Reader, form: RegExp): void {
  form.lastIndex = reader.at
  reader.at += form.exec(reader.text)?.[0].length ?? 0
}

function unexpected(reader: Reader, what: string): TemplateProblem {
  const mark = reader.text[reader.at]
  return mark === undefined
    ? invalid(reader, reader.at, 'Unexpected end of content')
    : invalid(reader, reader.at, `${what} ${mark}`)
}

function invalid(reader: Reader, offset: number, what: string): TemplateProblem {
  const position = positionAt(lineStarts(reader.text), offset)
  return new TemplateProblem(
    `The request content was invalid and could not be deserialized: '${what}. Line ${position.line}, position ${position.column}.'.`,
    [],
    { code: 'InvalidRequestContent', position },
  )
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function positionAt(starts: readonly number[], offset: number): Position {
  let [first, last] = [0, starts.length - 1]
  while (first < last) {
    const middle = Math.ceil((first + last) / 2)
    if ((starts[middle] ?? 0) <= offset) first = middle
    else last = middle - 1
  }
  return { line: first + 1, column: offset - (starts[first] ?? 0) + 1 }
}
