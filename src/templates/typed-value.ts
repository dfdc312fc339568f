import type { Json, JsonObject } from '../domain/rows.ts'
import { isArray, isObject, kindOf, member, namesIn, textOf } from './json.ts'
import type { Meter } from './meter.ts'
import { broken, dereferenced, fits, isSecure, kindsOf, typeNamed } from './parameter-type.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'

/** What a value is checked with. */
export type Checking = {
  readonly definitions: JsonObject
  readonly meter: Meter
  /** Where the template declares it, for errors of the type itself. */
  readonly declaredAt: TemplatePath
  /** Gathers the parts of the value that are declared secure. */
  readonly secrets: Json[]
}

/** What a value has that its type does not allow: where in it (`p.sizes[0]`), and why, as a sentence. */
export type Misfit = { readonly at: string; readonly why: string }

/** Types within types, which may name themselves: deeper than any value is. */
const deepMax = 200
/** What a look at one part of a value costs, as the meter counts. */
const lookCost = 16

/** The first part of a value that does not fit its declaration, members and elements too; undefined when all do. */
export function misfitOf(
  value: Json,
  declaration: JsonObject,
  checking: Checking,
  at: string,
): Misfit | undefined {
  return check({ value, declaration, at, deep: 0 }, checking)
}

type Spot = {
  readonly value: Json
  readonly declaration: JsonObject
  readonly at: string
  readonly deep: number
  /** The member that chose this type: it need not be declared again. */
  readonly tag?: string
}

function check(spot: Spot, checking: Checking): Misfit | undefined {
  const { value, at, deep } = spot
  const { definitions, declaredAt, meter, secrets } = checking
  meter.spend(lookCost)
  if (deep > deepMax)
    throw new TemplateProblem(
      `Deployment template validation failed: 'The type{at} leads to itself more than '${deepMax}' times.'.`,
      declaredAt,
    )
  const declaration = dereferenced(spot.declaration, definitions, declaredAt)
  if (value === null && declaration.nullable === true) return undefined
  if (declaration.type !== undefined) {
    const type = typeNamed(declaration.type, `type of '${at}'`, declaredAt)
    if (isSecure(type)) secrets.push(value)
    if (!fits(value, type)) {
      const why = `Expected a value of type '${kindsOf(type)}', but received a value of type '${kindOf(value)}'.`
      return { at, why }
    }
  }
  const why = broken(value, declaration)
  if (why !== undefined) return { at, why }
  const inner = { ...spot, declaration, deep: deep + 1 }
  if (isArray(value)) return elementMisfit(value, inner, checking)
  return isObject(value) ? memberMisfit(value, inner, checking) : undefined
}

/** `prefixItems` say what the first elements are, `items` what those behind them are, or that there are none. */
function elementMisfit(
  elements: readonly Json[],
  { declaration, at, deep }: Spot,
  checking: Checking,
): Misfit | undefined {
  const { prefixItems, items } = declaration
  const first = isArray(prefixItems) ? prefixItems : []
  if (elements.length < first.length || (items === false && elements.length > first.length)) {
    const wanted = items === false ? `${first.length}` : `${first.length} or more`
    return { at, why: `Expected ${wanted} elements, but received ${elements.length}.` }
  }
  for (const [index, value] of elements.entries()) {
    const own = first[index] ?? items
    if (!isObject(own)) continue
    const misfit = check({ value, declaration: own, at: `${at}[${index}]`, deep }, checking)
    if (misfit) return misfit
  }
  return undefined
}

function memberMisfit(object: JsonObject, spot: Spot, checking: Checking): Misfit | undefined {
  const { declaration, at, deep, tag } = spot
  const { discriminator, additionalProperties } = declaration
  const properties = isObject(declaration.properties) ? declaration.properties : {}
  const tagKey = tag?.toLowerCase()
  for (const names of [namesIn(properties), namesIn(object)])
    checking.meter.spend(lookCost * names.all.length + names.chars)
  for (const [name, own] of Object.entries(properties)) {
    if (!isObject(own)) continue
    const value = member(object, name)
    if (value === undefined && !isNullable(own, checking))
      return { at, why: `The required property '${name}' is missing.` }
    const spot = { value: value ?? null, declaration: own, at: `${at}.${name}`, deep }
    const misfit = check(spot, checking)
    if (misfit) return misfit
  }
  if (additionalProperties === false || isObject(additionalProperties))
    for (const [name, value] of Object.entries(object)) {
      if (name.toLowerCase() === tagKey || member(properties, name) !== undefined) continue
      if (additionalProperties === false)
        return {
          at,
          why: `The property '${name}' is not allowed. Permissible properties: ${Object.keys(properties).join(', ')}.`,
        }
      const own = { value, declaration: additionalProperties, at: `${at}.${name}`, deep }
      const misfit = check(own, checking)
      if (misfit) return misfit
    }
  return isObject(discriminator) ? unionMisfit(object, discriminator, spot, checking) : undefined
}

function isNullable(declaration: JsonObject, { definitions, declaredAt }: Checking): boolean {
  return dereferenced(declaration, definitions, declaredAt).nullable === true
}

/** One member says which of several types an object has. */
function unionMisfit(
  object: JsonObject,
  discriminator: JsonObject,
  { at, deep }: Spot,
  checking: Checking,
): Misfit | undefined {
  const tag = textOf(discriminator.propertyName)
  const mapping = isObject(discriminator.mapping) ? discriminator.mapping : {}
  // Read here, and again for the type that it chooses.
  checking.meter.spend(2 * tag.length)
  const said = member(object, tag)
  const declaration = typeof said === 'string' ? member(mapping, said) : undefined
  if (!isObject(declaration)) {
    const names = Object.keys(mapping).join(', ')
    return { at: `${at}.${tag}`, why: `The property '${tag}' must be one of: ${names}.` }
  }
  return check({ value: object, declaration, at, deep, tag }, checking)
}

/** Whether a declaration has a secure type in it, however deep. */
export function declaresSecret(
  declaration: JsonObject,
  definitions: JsonObject,
  path: TemplatePath,
): boolean {
  const seen = new Set<Json>()
  const waiting: Json[] = [declaration]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (!isObject(next) || seen.has(next)) continue
    seen.add(next)
    const whole = next.$ref === undefined ? next : dereferenced(next, definitions, path)
    if (whole !== next && seen.has(whole)) continue
    seen.add(whole)
    const { type, properties, additionalProperties, items, prefixItems, discriminator } = whole
    if (typeof type === 'string' && isSecure(typeNamed(type, 'type', path))) return true
    const mapping = isObject(discriminator) ? discriminator.mapping : undefined
    for (const group of [properties, prefixItems, mapping]) {
      if (!(isObject(group) || isArray(group)) || seen.has(group)) continue
      seen.add(group)
      for (const each of Object.values<Json>(group)) waiting.push(each)
    }
    for (const each of [additionalProperties, items]) if (each !== undefined) waiting.push(each)
  }
  return false
}
