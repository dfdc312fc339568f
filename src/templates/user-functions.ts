import type { Json } from '../domain/rows.ts'
import type { Context, UserFunction, Value } from './context.ts'
import { isArray, isObject, textOf } from './json.ts'
import { TemplateProblem } from './problem.ts'
import { evaluateNow } from './tree.ts'

/** The functions that a template defines, as `namespace.name` in lower case. */
export function userFunctions(sections: readonly Json[]): ReadonlyMap<string, UserFunction> {
  const functions = new Map<string, UserFunction>()
  for (const [at, section] of sections.entries()) {
    if (!isObject(section) || typeof section.namespace !== 'string' || !isObject(section.members))
      throw new TemplateProblem(
        "Deployment template validation failed: 'The template functions{at} must be an array of objects with a namespace and members.'.",
        ['functions', at],
      )
    for (const [name, body] of Object.entries(section.members)) {
      const path = ['functions', at, 'members', name]
      functions.set(`${section.namespace}.${name}`.toLowerCase(), read(body, path))
    }
  }
  return functions
}

function read(body: Json, path: readonly (string | number)[]): UserFunction {
  const parameters = isObject(body) && isArray(body.parameters) ? body.parameters : []
  const output = isObject(body) && isObject(body.output) ? body.output.value : undefined
  if (output === undefined)
    throw new TemplateProblem(
      "Deployment template validation failed: 'A template function{at} must have an output with a value.'.",
      path,
    )
  const names = parameters.map((each) => textOf(isObject(each) ? each.name : each).toLowerCase())
  return {
    parameters: names,
    run: (args: readonly Value[], context: Context) =>
      evaluateNow(
        output,
        {
          ...context,
          callParameters: new Map(names.map((name, at) => [name, args[at] ?? null])),
          copies: [],
          lambdas: new Map(),
          rewrites: false,
        },
        [...path, 'output', 'value'],
      ),
  }
}
