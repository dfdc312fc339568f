import type { Json } from '../../domain/rows.ts'
import { isArray } from '../json.ts'
import { formatted } from './format.ts'
import {
  arrayAt,
  type Call,
  type FunctionGroup,
  integerAt,
  made,
  paySearch,
  refused,
  stringAt,
  unbounded,
  wrongType,
} from './function.ts'

/** Azure's own bound of `padLeft()`. */
const padMax = 16

export const stringFunctions: FunctionGroup = {
  concat: made(1, unbounded, (args, call) =>
    args.every(isArray) ? args.flat() : args.map((arg, at) => textOf(arg, at, call.name)).join(''),
  ),
  string: made(1, 1, ([value = null], { name }) =>
    typeof value === 'object' && value !== null ? JSON.stringify(value) : textOf(value, 0, name),
  ),
  toLower: made(1, 1, (args, call) => stringAt(args, 0, call).toLowerCase()),
  toUpper: made(1, 1, (args, call) => stringAt(args, 0, call).toUpperCase()),
  trim: made(1, 1, (args, call) => stringAt(args, 0, call).trim()),
  startsWith: made(2, 2, (args, call) =>
    stringAt(args, 0, call)
      .toLowerCase()
      .startsWith(stringAt(args, 1, call).toLowerCase()),
  ),
  endsWith: made(2, 2, (args, call) =>
    stringAt(args, 0, call)
      .toLowerCase()
      .endsWith(stringAt(args, 1, call).toLowerCase()),
  ),
  replace: made(3, 3, (args, call) => {
    const old = stringAt(args, 1, call)
    if (old === '') throw refused(call.name, 'the string to replace must not be empty.')
    const text = stringAt(args, 0, call)
    paySearch(text, old, call)
    const parts = text.split(old)
    const by = stringAt(args, 2, call)
    // A short text may stand in a long one a million times.
    call.context.template.meter.spend(parts.length * by.length)
    return parts.join(by)
  }),
  substring: made(2, 3, (args, call) => {
    const text = stringAt(args, 0, call)
    const start = integerAt(args, 1, call)
    const length = args.length > 2 ? integerAt(args, 2, call) : text.length - start
    if (start < 0 || length < 0 || start + length > text.length)
      throw refused(
        call.name,
        `the index and length parameters must refer to a location within the string; the string has '${text.length}' characters, the index is '${start}' and the length '${length}'.`,
      )
    return text.slice(start, start + length)
  }),
  padLeft: made(2, 3, ([value = null, ...rest], call) => {
    const args = [value, ...rest]
    const width = integerAt(args, 1, call)
    const fill = args[2] === undefined || args[2] === null ? ' ' : stringAt(args, 2, call)
    if (width < 1 || width > padMax)
      throw refused(call.name, `the total length must be between '1' and '${padMax}'.`)
    if (fill.length !== 1) throw refused(call.name, 'the padding must be a single character.')
    return textOf(value, 0, call.name).padStart(width, fill)
  }),
  split: made(2, 2, (args, call) => {
    if (args[0] === null) return []
    const text = stringAt(args, 0, call)
    const marks = isArray(args[1]) ? arrayAt(args, 1, call) : [args[1] ?? '']
    const used = new Set(marks.map((_, at) => stringAt(marks, at, call)))
    used.delete('')
    for (const mark of used) paySearch(text, mark, call)
    return splitAt(text, [...used], call)
  }),
  join: made(2, 2, (args, call) => {
    const parts = arrayAt(args, 0, call)
    const between = stringAt(args, 1, call)
    call.context.template.meter.spend(parts.length * between.length)
    return parts.map((part, at) => textOf(part, at, call.name)).join(between)
  }),
  format: made(1, unbounded, ([text = null, ...values], call) =>
    formatted(stringAt([text], 0, call), values, call),
  ),
}

/** Splits at whichever mark comes next; of those at the same place, at the one that is named first. */
function splitAt(text: string, marks: readonly string[], { context }: Call): readonly string[] {
  const parts: string[] = []
  const nexts = marks.map((mark) => ({ mark, at: text.indexOf(mark) }))
  let start = 0
  for (;;) {
    context.template.meter.spend(marks.length)
    let first: (typeof nexts)[number] | undefined
    for (const next of nexts) {
      if (next.at >= 0 && next.at < start) next.at = text.indexOf(next.mark, start)
      if (next.at >= 0 && (first === undefined || next.at < first.at)) first = next
    }
    if (first === undefined) return [...parts, text.slice(start)]
    parts.push(text.slice(start, first.at))
    start = first.at + first.mark.length
  }
}

/** As .NET writes it. */
function textOf(value: Json, at: number, name: string): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  throw wrongType(name, at, value, 'a string, a number or a boolean')
}
