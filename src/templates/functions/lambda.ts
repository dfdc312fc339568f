import type { Json } from '../../domain/rows.ts'
import { type Context, unknown, type Value } from '../context.ts'
import type { Expression } from '../expression.ts'
import { TemplateProblem } from '../problem.ts'
import {
  arrayAt,
  booleanAt,
  type Form,
  type FunctionGroup,
  form,
  objectAt,
  refused,
  stringAt,
} from './function.ts'

export const lambdaFunctions: FunctionGroup = {
  lambda: form(1, 4, ({ name }) => {
    throw new TemplateProblem(
      `The template function '${name}' is not expected at this location: it is an argument of map, filter, reduce, sort, toObject, groupBy or mapValues.`,
    )
  }),
  lambdaVariables: form(1, 1, ({ name, args: [arg], context }) => {
    const variable = arg?.is === 'string' ? arg.value : ''
    const found = context.lambdas.get(variable.toLowerCase())
    if (found === undefined)
      throw refused(name, `there is no lambda variable '${variable}' at this place.`)
    return found
  }),
  map: form(2, 2, (call) =>
    overArray(call, (array, act) => array.map((each, at) => act([each, at]))),
  ),
  filter: form(2, 2, (call) =>
    overArray(call, (array, act) =>
      array.filter((each, at) => booleanAt([act([each, at])], 0, call)),
    ),
  ),
  reduce: form(3, 3, (call) => {
    const start = evaluated(call, 1)
    if (start === unknown) return unknown
    return overArray(call, (array, act) =>
      array.reduce((sum, each, at) => act([sum, each, at]), start),
    )
  }),
  sort: form(2, 2, (call) =>
    overArray(call, (array, act) =>
      array.toSorted((one, other) => {
        if (booleanAt([act([one, other])], 0, call)) return -1
        return booleanAt([act([other, one])], 0, call) ? 1 : 0
      }),
    ),
  ),
  toObject: form(2, 3, (call) =>
    overArray(call, (array, act) => {
      const value = call.args[2]
      const actOnValue = value === undefined ? undefined : lambdaOf(call, value)
      return Object.fromEntries(
        array.map((each) => [
          stringAt([act([each])], 0, call),
          actOnValue === undefined ? each : known(actOnValue([each])),
        ]),
      )
    }),
  ),
  groupBy: form(2, 2, (call) =>
    overArray(call, (array, act) => {
      const groups = new Map<string, Json[]>()
      for (const each of array) {
        const key = stringAt([act([each])], 0, call)
        const group = groups.get(key)
        if (group === undefined) groups.set(key, [each])
        else group.push(each)
      }
      return Object.fromEntries(groups)
    }),
  ),
  mapValues: form(2, 2, (call) =>
    over(call, (value, act) =>
      Object.fromEntries(
        Object.entries(objectAt([value], 0, call)).map(([name, each]) => [name, act([each])]),
      ),
    ),
  ),
}

type Act = (values: readonly Json[]) => Json

/** Thrown and caught here alone: a lambda met something unknown, so the whole is. */
class Unknown extends Error {}

function overArray(call: Form, run: (array: readonly Json[], act: Act) => Json): Value {
  return over(call, (value, act) => run(arrayAt([value], 0, call), act))
}

/** Runs over the first argument with the lambda that is the second, or the third of `reduce`. */
function over(call: Form, run: (value: Json, act: Act) => Json): Value {
  const { meter } = call.context.template
  const value = evaluated(call, 0)
  const body = call.args[call.name.toLowerCase() === 'reduce' ? 2 : 1]
  if (body === undefined) return null
  const act = lambdaOf(call, body)
  if (value === unknown) {
    act([unknown, unknown, unknown])
    return unknown
  }
  try {
    const result = run(value, (values) => known(act(values)))
    meter.spend(meter.sizeOf(result))
    return result
  } catch (error) {
    if (error instanceof Unknown) return unknown
    throw error
  }
}

function known(value: Value): Json {
  if (value === unknown) throw new Unknown()
  return value
}

function evaluated({ args, context, evaluate }: Form, at: number): Value {
  const arg = args[at]
  return arg === undefined ? null : evaluate(arg, context)
}

/** `lambda('a', 'b', …)` as a function of its variables; values beyond them are left out. */
function lambdaOf(
  { name, context, evaluate }: Form,
  lambda: Expression,
): (values: readonly Value[]) => Value {
  if (lambda.is !== 'call' || lambda.name.toLowerCase() !== 'lambda')
    throw refused(name, 'one of its arguments must be a lambda.')
  const body = lambda.args.at(-1)
  const variables = lambda.args.slice(0, -1).map((each) => {
    if (each.is !== 'string') throw refused(name, 'the variables of a lambda are strings.')
    return each.value.toLowerCase()
  })
  if (body === undefined || variables.length > 3)
    throw refused(name, 'a lambda has up to three variables and an expression.')
  return (values) => {
    const lambdas = new Map(context.lambdas)
    for (const [at, variable] of variables.entries()) {
      const value = values[at]
      if (value === undefined)
        throw refused(name, `its lambda has at most ${values.length} variables.`)
      lambdas.set(variable, value)
    }
    const inner: Context = { ...context, lambdas }
    return evaluate(body, inner)
  }
}
