import type { Json, JsonObject } from '../../domain/rows.ts'
import type { Context, Value } from '../context.ts'
import type { Expression } from '../expression.ts'
import { isObject, kindOf } from '../json.ts'
import { TemplateProblem } from '../problem.ts'

/** A function of the template language, as data. */
export type TemplateFunction =
  | {
      /** Takes values: is not called while one of them is unknown. */
      readonly is: 'plain'
      readonly arity: Arity
      /** What it costs: `all` when it looks through its arguments, `nothing` when it picks or counts. */
      readonly reads: 'all' | 'nothing'
      readonly makes: 'all' | 'nothing'
      readonly run: Run
    }
  | {
      /** Takes its arguments unevaluated: evaluates those that it needs. */
      readonly is: 'form'
      readonly arity: Arity
      readonly run: (form: Form) => Value
    }

/** The least and the most arguments. */
export type Arity = readonly [least: number, most: number]

export type FunctionGroup = Readonly<Record<string, TemplateFunction>>

export type Call = { readonly name: string; readonly context: Context }

export type Form = Call & {
  readonly args: readonly Expression[]
  readonly evaluate: (expression: Expression, context: Context) => Value
}

type Run = (args: readonly Json[], call: Call) => Value

export const unbounded = Number.POSITIVE_INFINITY

/** Reads its arguments and makes something. */
export function made(least: number, most: number, run: Run): TemplateFunction {
  return { is: 'plain', arity: [least, most], reads: 'all', makes: 'all', run }
}

/** Picks from its arguments or counts them. */
export function picked(least: number, most: number, run: Run): TemplateFunction {
  return { is: 'plain', arity: [least, most], reads: 'nothing', makes: 'nothing', run }
}

export function form(least: number, most: number, run: (form: Form) => Value): TemplateFunction {
  return { is: 'form', arity: [least, most], run }
}

/** The argument is not of a type that the function takes. */
export function wrongType(name: string, at: number, value: Json, wanted: string): TemplateProblem {
  return refused(name, `argument ${at + 1} must be ${wanted}, and is of type '${kindOf(value)}'.`)
}

/** A function cannot do what it is asked. `why` is a sentence. */
export function refused(name: string, why: string): TemplateProblem {
  return new TemplateProblem(
    `Unable to evaluate template language function '${name}': ${why} Please see https://aka.ms/arm-functions for usage details.`,
  )
}

/** Comparisons of characters in a row that cost as much time as reading one character does elsewhere. */
const comparedAtOnce = 4

/** Pays for a search before it runs: at worst all that is sought is compared at each place of the text. */
export function paySearch(text: string, sought: string, { context }: Call): void {
  const places = Math.max(0, text.length - sought.length + 1)
  context.template.meter.spend(Math.ceil((places * sought.length) / comparedAtOnce))
}

/** Null counts as an empty string, as in Azure. */
export function stringAt(args: readonly Json[], at: number, { name }: Call): string {
  const value = args[at] ?? null
  if (value === null) return ''
  if (typeof value !== 'string') throw wrongType(name, at, value, 'a string')
  return value
}

export function integerAt(args: readonly Json[], at: number, { name }: Call): number {
  const value = args[at] ?? null
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw wrongType(name, at, value, 'an integer')
  return value
}

export function booleanAt(args: readonly Json[], at: number, { name }: Call): boolean {
  const value = args[at] ?? null
  if (typeof value !== 'boolean') throw wrongType(name, at, value, 'a boolean')
  return value
}

export function arrayAt(args: readonly Json[], at: number, { name }: Call): readonly Json[] {
  const value = args[at] ?? null
  if (!Array.isArray(value)) throw wrongType(name, at, value, 'an array')
  return value
}

export function objectAt(args: readonly Json[], at: number, { name }: Call): JsonObject {
  const value = args[at] ?? null
  if (!isObject(value)) throw wrongType(name, at, value, 'an object')
  return value
}
