import type { Json, JsonObject } from '../../domain/rows.ts'
import { canonical, isArray, isObject, member, namesIn, textOf } from '../json.ts'
import {
  arrayAt,
  type Call,
  type FunctionGroup,
  integerAt,
  made,
  paySearch,
  picked,
  refused,
  stringAt,
  unbounded,
  wrongType,
} from './function.ts'
import { merged } from './object.ts'

/** Azure's own bound of `range()`. */
const rangeMax = 10_000

export const arrayFunctions: FunctionGroup = {
  array: made(1, 1, ([value = null]) => (isArray(value) ? value : [value])),
  createArray: made(0, unbounded, (args) => args),
  length: picked(1, 1, ([value = null], { name }) => {
    if (value === null) return 0
    if (typeof value === 'string' || isArray(value)) return value.length
    if (isObject(value)) return namesIn(value).all.length
    throw wrongType(name, 0, value, 'an array, an object or a string')
  }),
  empty: picked(1, 1, ([value = null], { name }) => {
    if (value === null) return true
    if (typeof value === 'string' || isArray(value)) return value.length === 0
    if (isObject(value)) return namesIn(value).all.length === 0
    throw wrongType(name, 0, value, 'an array, an object or a string')
  }),
  first: picked(1, 1, (args, call) => endOf(args, call, 0)),
  last: picked(1, 1, (args, call) => endOf(args, call, -1)),
  contains: made(2, 2, ([container = null, item = null], call) => {
    if (isArray(container)) return canonicals(container).includes(canonical(item))
    if (isObject(container)) return member(container, stringAt([item], 0, call)) !== undefined
    if (typeof container === 'string') {
      const sought = stringAt([item], 0, call)
      paySearch(container, sought, call)
      return container.includes(sought)
    }
    throw wrongType(call.name, 0, container, 'an array, an object or a string')
  }),
  indexOf: made(2, 2, ([container = null, item = null], call) => {
    if (container === null) return -1
    if (isArray(container)) return canonicals(container).indexOf(canonical(item))
    const [text, sought] = searched(container, item, call)
    return text.indexOf(sought)
  }),
  lastIndexOf: made(2, 2, ([container = null, item = null], call) => {
    if (container === null) return -1
    if (isArray(container)) return canonicals(container).lastIndexOf(canonical(item))
    const [text, sought] = searched(container, item, call)
    return text.lastIndexOf(sought)
  }),
  take: made(2, 2, ([value = null, ...rest], call) => {
    const count = Math.max(0, integerAt([null, ...rest], 1, call))
    if (value === null) return null
    if (isArray(value)) return value.slice(0, count)
    return stringAt([value], 0, call).slice(0, count)
  }),
  skip: made(2, 2, ([value = null, ...rest], call) => {
    const count = Math.max(0, integerAt([null, ...rest], 1, call))
    if (value === null) return null
    if (isArray(value)) return value.slice(count)
    return stringAt([value], 0, call).slice(count)
  }),
  range: made(2, 2, (args, call) => {
    const start = integerAt(args, 0, call)
    const count = integerAt(args, 1, call)
    if (count < 0 || count > rangeMax)
      throw refused(call.name, `the count must be between '0' and '${rangeMax}'.`)
    if (start + count - 1 > 2_147_483_647)
      throw refused(call.name, "the sum of start and count must not exceed '2147483647'.")
    return Array.from({ length: count }, (_, at) => start + at)
  }),
  min: made(1, unbounded, (args, call) =>
    numbersOf(args, call).reduce((one, other) => Math.min(one, other)),
  ),
  max: made(1, unbounded, (args, call) =>
    numbersOf(args, call).reduce((one, other) => Math.max(one, other)),
  ),
  union: made(2, unbounded, (args, call) => {
    if (args.every(isObject)) return merged(args)
    return distinct(args.flatMap((_, at) => arrayAt(args, at, call)))
  }),
  intersection: made(2, unbounded, (args, call) => {
    if (args.every(isObject)) return commonMembers(args)
    const sets = args.map((_, at) => new Set(canonicals(arrayAt(args, at, call))))
    const common = (each: Json) => sets.every((set) => set.has(canonical(each)))
    return distinct(arrayAt(args, 0, call).filter(common))
  }),
  flatten: made(1, 1, (args, call) =>
    arrayAt(args, 0, call).flatMap((_, at, all) => arrayAt(all, at, call)),
  ),
  indexFromEnd: picked(2, 2, (args, call) => {
    const array = arrayAt(args, 0, call)
    const found = array[array.length - integerAt(args, 1, call)]
    if (found === undefined)
      throw refused(call.name, `the array has '${array.length}' elements only.`)
    return found
  }),
  tryIndexFromEnd: picked(2, unbounded, ([value = null, ...rest], call) => {
    const back = integerAt([null, ...rest], 1, call)
    const found = isArray(value) ? value[value.length - back] : undefined
    return chained(found ?? null, rest.slice(1), call)
  }),
  /** The first step may find nothing; further ones must lead somewhere, unless it did. */
  tryGet: picked(2, unbounded, ([value = null, step = null, ...steps], call) =>
    chained(stepInto(value, step, call) ?? null, steps, call),
  ),
}

/** A text and what is looked for in it in any case, paid for. */
function searched(
  container: Json,
  item: Json,
  call: Call,
): readonly [text: string, sought: string] {
  const text = stringAt([container], 0, call).toLowerCase()
  const sought = stringAt([container, item], 1, call).toLowerCase()
  paySearch(text, sought, call)
  return [text, sought]
}

function endOf(args: readonly Json[], call: Call, at: 0 | -1): Json {
  const [value = null] = args
  if (value === null) return null
  if (isArray(value)) return value.at(at) ?? null
  return stringAt(args, 0, call).at(at) ?? ''
}

function numbersOf(args: readonly Json[], { name }: Call): readonly number[] {
  const [first] = args
  const numbers = args.length === 1 && isArray(first) ? first : args
  if (numbers.length === 0) throw refused(name, 'the array has no elements.')
  return numbers.map((each, at) => {
    if (typeof each !== 'number') throw wrongType(name, at, each, 'a number')
    return each
  })
}

function canonicals(values: readonly Json[]): readonly string[] {
  return values.map(canonical)
}

function distinct(values: readonly Json[]): readonly Json[] {
  const seen = new Map<string, Json>()
  for (const each of values) {
    const key = canonical(each)
    if (!seen.has(key)) seen.set(key, each)
  }
  return [...seen.values()]
}

function commonMembers([first = {}, ...others]: readonly JsonObject[]): JsonObject {
  const isCommon = ([name, value]: [string, Json]) => {
    const wanted = canonical(value)
    return others.every(
      (other) => Object.hasOwn(other, name) && canonical(other[name] ?? null) === wanted,
    )
  }
  return Object.fromEntries(Object.entries(first).filter(isCommon))
}

function stepInto(value: Json, step: Json, { context }: Call): Json | undefined {
  if (isObject(value) && typeof step === 'string') {
    context.template.meter.spend(step.length)
    return member(value, step)
  }
  if (isArray(value) && typeof step === 'number') return value[step]
  return undefined
}

function chained(start: Json, steps: readonly Json[], call: Call): Json {
  if (start === null) return null
  return steps.reduce((value, step) => {
    const next = stepInto(value, step, call)
    if (next === undefined)
      throw refused(call.name, `the language expression property '${textOf(step)}' doesn't exist.`)
    return next
  }, start)
}
