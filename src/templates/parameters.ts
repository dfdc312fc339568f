import type { Json, JsonObject } from '../domain/rows.ts'
import { type Context, unknown } from './context.ts'
import { isObject, member } from './json.ts'
import { TemplateProblem } from './problem.ts'
import { evaluateNow } from './tree.ts'

export type Parameter = {
  readonly name: string
  /** As Azure shows it: `SecureString`. */
  readonly type: string
  readonly isSecure: boolean
  readonly value: Json
}

const types: Readonly<Record<string, string>> = {
  string: 'String',
  securestring: 'SecureString',
  int: 'Int',
  bool: 'Bool',
  object: 'Object',
  secureobject: 'SecureObject',
  array: 'Array',
}

/** The parameters of a template with what was given for them or their defaults, by name in lower case. */
export function readParameters(
  declared: JsonObject,
  given: JsonObject,
  contextOf: (known: ReadonlyMap<string, Parameter>) => Context,
): ReadonlyMap<string, Parameter> {
  const known = new Map<string, Parameter>()
  const context = contextOf(known)
  for (const [name, declaration] of Object.entries(declared)) {
    if (!isObject(declaration)) continue
    const typeText = String(declaration.type ?? '')
    const type = types[typeText.toLowerCase()]
    if (type === undefined)
      throw new TemplateProblem(
        `Deployment template validation failed: 'The template parameter '${name}' has the type '${typeText}', which is not one of String, SecureString, Int, Bool, Object, SecureObject, Array.'.`,
        ['parameters', name, 'type'],
      )
    const value = givenOrDefault(name, declaration, given, context)
    known.set(name.toLowerCase(), { name, type, isSecure: type.startsWith('Secure'), value })
  }
  return known
}

function givenOrDefault(
  name: string,
  declaration: JsonObject,
  given: JsonObject,
  context: Context,
): Json {
  const entry = member(given, name)
  if (isObject(entry) && entry.value !== undefined) return entry.value
  if (declaration.defaultValue !== undefined) {
    const path = ['parameters', name, 'defaultValue']
    const value = evaluateNow(declaration.defaultValue, context, path)
    if (value !== unknown) return value
  }
  throw new TemplateProblem(
    `Deployment template validation failed: 'The value for the template parameter '${name}' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.'.`,
    ['parameters', name],
  )
}
