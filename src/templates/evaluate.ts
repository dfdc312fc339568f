import type { Json } from '../domain/rows.ts'
import { type Context, unknown, type Value } from './context.ts'
import type { Expression } from './expression.ts'
import { functionNamed } from './functions/functions.ts'
import { isObject, kindOf, member, namesIn } from './json.ts'
import { TemplateProblem } from './problem.ts'

/** What an expression gives here; `unknown` while it waits for facts. Throws TemplateProblem. */
export function evaluate(expression: Expression, context: Context): Value {
  const inner = { ...context, deep: context.deep + 1 }
  context.template.meter.step(inner.deep)
  switch (expression.is) {
    case 'string':
    case 'number':
      return expression.value
    case 'property':
      return memberOf(evaluate(expression.of, inner), expression.name, inner)
    case 'index':
      return indexed(evaluate(expression.of, inner), evaluate(expression.at, inner), inner)
    case 'call':
      return call(expression.name, expression.args, inner)
  }
}

function call(name: string, args: readonly Expression[], context: Context): Value {
  if (name.includes('.')) return callUserFunction(name, args, context)
  const known = functionNamed(name)
  if (known === undefined)
    throw new TemplateProblem(
      `The template function '${name}' is not valid. Please see https://aka.ms/arm-functions for usage details.`,
    )
  const [least, most] = known.arity
  if (args.length < least || args.length > most) throw wrongCount(name, args.length, known.arity)
  if (known.is === 'form') return known.run({ name, args, context, evaluate })
  const values = args.map((arg) => evaluate(arg, context))
  if (!areKnown(values)) return unknown
  const { meter } = context.template
  if (known.reads === 'all') for (const value of values) meter.spend(meter.sizeOf(value))
  const result = known.run(values, { name, context })
  if (result !== unknown && known.makes === 'all') meter.spend(meter.sizeOf(result))
  return result
}

function areKnown(values: readonly Value[]): values is readonly Json[] {
  return !values.includes(unknown)
}

function callUserFunction(name: string, args: readonly Expression[], context: Context): Value {
  const found = context.template.userFunction(name)
  if (found === undefined)
    throw new TemplateProblem(`The template function '${name}' is not defined in the template.`)
  const { length } = found.parameters
  if (args.length !== length) throw wrongCount(name, args.length, [length, length])
  return found.run(
    args.map((arg) => evaluate(arg, context)),
    context,
  )
}

function wrongCount(name: string, given: number, [least, most]: readonly [number, number]) {
  const wanted =
    most === least
      ? `The function expects '${least}' parameter(s)`
      : most === Number.POSITIVE_INFINITY
        ? `The function expects at least '${least}' parameter(s)`
        : `The function expects '${least}' to '${most}' parameters`
  return new TemplateProblem(
    `Unable to evaluate template language function '${name}': ${wanted} but '${given}' were given. Please see https://aka.ms/arm-functions for usage details.`,
  )
}

function memberOf(value: Value, name: string, { template }: Context): Value {
  if (value === unknown) return unknown
  if (!isObject(value))
    throw new TemplateProblem(
      `The language expression property '${name}' can't be evaluated, property can only be accessed on an object and this is of type '${kindOf(value)}'.`,
    )
  template.meter.spend(name.length)
  const found = member(value, name)
  if (found !== undefined) return found
  const names = namesIn(value).all.slice(0, 50).join(', ')
  throw new TemplateProblem(
    `The language expression property '${name}' doesn't exist, available properties are '${names}'.`,
  )
}

function indexed(value: Value, at: Value, context: Context): Value {
  if (value === unknown || at === unknown) return unknown
  if (typeof at === 'string') return memberOf(value, at, context)
  if (typeof at !== 'number' || !Number.isInteger(at))
    throw new TemplateProblem(
      `The language expression property of type '${kindOf(at)}' can't be evaluated: an index is an integer or the name of a property.`,
    )
  if (!Array.isArray(value))
    throw new TemplateProblem(
      `The language expression property '${at}' can't be evaluated, an index can only be used on an array and this is of type '${kindOf(value)}'.`,
    )
  const found: Json | undefined = value[at]
  if (found === undefined)
    throw new TemplateProblem(
      `The language expression property array index '${at}' is out of bounds: the array has '${value.length}' elements.`,
    )
  return found
}
