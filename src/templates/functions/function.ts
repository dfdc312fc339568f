import type { Json } from '../../domain/rows.ts'
import type { Context, Value } from '../context.ts'
import type { Expression } from '../expression.ts'
import { kindOf } from '../json.ts'
import { TemplateProblem } from '../problem.ts'

/** A function of the template language, as data. */
export type TemplateFunction =
  | {
      /** Takes values: is not called while one of them is unknown. */
      readonly is: 'plain'
      readonly arity: readonly [number, number]
      /** What it costs: `all` when it looks through its arguments, `nothing` when it picks or counts. */
      readonly reads: 'all' | 'nothing'
      readonly makes: 'all' | 'nothing'
      readonly run: (args: readonly Json[], call: Call) => Value
    }
  | {
      /** Takes its arguments unevaluated: evaluates those that it needs. */
      readonly is: 'form'
      readonly arity: readonly [number, number]
      readonly run: (form: Form) => Value
    }

export type Call = { readonly name: string; readonly context: Context }

export type Form = Call & {
  readonly args: readonly Expression[]
  readonly evaluate: (expression: Expression, context: Context) => Value
}

export const any = Number.POSITIVE_INFINITY

type Run = (args: readonly Json[], call: Call) => Value

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
  return new TemplateProblem(
    `Unable to evaluate template language function '${name}': argument ${at + 1} must be ${wanted}, and is of type '${kindOf(value)}'. Please see https://aka.ms/arm-functions for usage details.`,
  )
}

/** A function cannot do what it is asked. */
export function refused(name: string, why: string): TemplateProblem {
  return new TemplateProblem(
    `Unable to evaluate template language function '${name}': ${why} Please see https://aka.ms/arm-functions for usage details.`,
  )
}

export function stringAt(args: readonly Json[], at: number, { name }: Call): string {
  const value = args[at] ?? null
  if (typeof value !== 'string') throw wrongType(name, at, value, 'a string')
  return value
}
