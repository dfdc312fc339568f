import type { Json, JsonObject } from '../domain/rows.ts'
import { canonical, isArray, isObject, kindOf, member, textOf } from './json.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'

/** The types of parameters and outputs by their names in lower case, as Azure shows them. */
const typeNames: Readonly<Record<string, string>> = {
  string: 'String',
  securestring: 'SecureString',
  int: 'Int',
  bool: 'Bool',
  object: 'Object',
  secureobject: 'SecureObject',
  array: 'Array',
}

/** What JSON a value of a type is, in Azure's words. */
const kinds: Readonly<Record<string, string>> = {
  String: 'String, Uri',
  SecureString: 'String, Uri',
  Int: 'Integer',
  Bool: 'Boolean',
  Object: 'Object',
  SecureObject: 'Object',
  Array: 'Array',
}

/** `SecureString` of `securestring`; throws TemplateProblem for what is no type. */
export function typeNamed(type: Json | undefined, what: string, path: TemplatePath): string {
  const name = typeof type === 'string' ? typeNames[type.toLowerCase()] : undefined
  if (name !== undefined) return name
  throw new TemplateProblem(
    `Deployment template validation failed: 'The ${what}{at} has the type '${textOf(type)}', which is not valid. The types are ${Object.values(typeNames).join(', ')}.'.`,
    path,
  )
}

export function isSecure(type: string): boolean {
  return type.startsWith('Secure')
}

export function fits(value: Json, type: string): boolean {
  return kinds[type]?.split(', ').includes(kindOf(value)) ?? false
}

/** What values a type takes, in Azure's words. */
export function kindsOf(type: string): string {
  return kinds[type] ?? type
}

/** A declaration with that in it which its `$ref` names among the definitions. */
export function dereferenced(
  declaration: JsonObject,
  definitions: JsonObject,
  path: TemplatePath,
): JsonObject {
  if (declaration.$ref === undefined) return declaration
  const known = wholes.get(definitions) ?? new WeakMap<JsonObject, JsonObject>()
  wholes.set(definitions, known)
  const whole = known.get(declaration) ?? followed(declaration, definitions, path)
  known.set(declaration, whole)
  return whole
}

/** Of each template: a type is looked at once for each part of a value. */
const wholes = new WeakMap<JsonObject, WeakMap<JsonObject, JsonObject>>()
const linksMax = 10

function followed(
  declaration: JsonObject,
  definitions: JsonObject,
  path: TemplatePath,
): JsonObject {
  let whole = declaration
  for (let links = 0; whole.$ref !== undefined; links++) {
    const definition = definitionAt(textOf(whole.$ref), definitions)
    if (links > linksMax || !isObject(definition))
      throw new TemplateProblem(
        `Deployment template validation failed: 'The type reference '${textOf(whole.$ref)}'{at} cannot be resolved: it names a member of the definitions, as #/definitions/name.'.`,
        path,
      )
    const { $ref: _ref, ...own } = wordsOf(whole)
    whole = { ...wordsOf(definition), ...own }
  }
  return whole
}

/** What a declaration can say. A definition may have any number of other members, and be referred to as often. */
const words = [
  ...['$ref', 'type', 'nullable', 'defaultValue', 'allowedValues', 'metadata'],
  ...['minLength', 'maxLength', 'minValue', 'maxValue'],
  ...['properties', 'additionalProperties', 'discriminator', 'items', 'prefixItems'],
] as const

function wordsOf(declaration: JsonObject): JsonObject {
  const said = words.filter((word) => Object.hasOwn(declaration, word))
  return Object.fromEntries(said.map((word) => [word, declaration[word] ?? null]))
}

/** `#/definitions/name`, or a part of it: `#/definitions/name/properties/size`. */
function definitionAt(reference: string, definitions: JsonObject): Json | undefined {
  const [, name] = /^#\/definitions\/(.+)$/.exec(reference) ?? []
  if (name === undefined) return undefined
  let found: Json | undefined = definitions
  for (const part of name
    .split('/')
    .map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'))) {
    if (isArray(found)) found = found[Number(part)]
    else found = isObject(found) ? member(found, part) : undefined
  }
  return found
}

/** The first constraint of a declaration that a value of its type does not keep, as a sentence; undefined when none. */
export function broken(value: Json, declaration: JsonObject): string | undefined {
  const { allowedValues, minLength, maxLength, minValue, maxValue } = declaration
  if (isArray(allowedValues) && !isAllowed(value, allowedValues))
    return `The parameter value is not part of the allowed value(s): '${allowedValues.map(textOf).join(',')}'.`
  const length = typeof value === 'string' || isArray(value) ? value.length : undefined
  if (length !== undefined && typeof minLength === 'number' && length < minLength)
    return `Length of the value should be greater than or equal to '${minLength}'.`
  if (length !== undefined && typeof maxLength === 'number' && length > maxLength)
    return `Length of the value should be less than or equal to '${maxLength}'.`
  if (typeof value === 'number' && typeof minValue === 'number' && value < minValue)
    return `The value should be greater than or equal to '${minValue}'.`
  if (typeof value === 'number' && typeof maxValue === 'number' && value > maxValue)
    return `The value should be less than or equal to '${maxValue}'.`
  return undefined
}

/** An array may hold allowed values, or be one. Strings are compared in any case, as in Azure. */
function isAllowed(value: Json, allowed: readonly Json[]): boolean {
  const keys = allowedKeys.get(allowed) ?? new Set(allowed.map(comparable))
  allowedKeys.set(allowed, keys)
  const isOne = (each: Json) => keys.has(comparable(each))
  return isOne(value) || (isArray(value) && value.every(isOne))
}

/** Thousands of values may be asked about as many that are allowed. */
const allowedKeys = new WeakMap<readonly Json[], ReadonlySet<string>>()

function comparable(value: Json): string {
  return canonical(typeof value === 'string' ? value.toLowerCase() : value)
}
