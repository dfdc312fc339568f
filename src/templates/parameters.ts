import type { Json, JsonObject } from '../domain/rows.ts'
import { type Context, freshWatch, unknown, type Value } from './context.ts'
import { isObject, member, recased, spellingsOf } from './json.ts'
import { openNamedValues } from './named-values.ts'
import { dereferenced, fits, isSecure, typeNamed } from './parameter-type.ts'
import { TemplateProblem } from './problem.ts'
import type { Template } from './read-template.ts'
import { evaluateNow } from './tree.ts'
import { misfitOf } from './typed-value.ts'

export type Parameter = {
  readonly name: string
  /** As Azure shows it: `SecureString`. */
  readonly type: string
  readonly isSecure: boolean
  /** What of the value is declared secure: all of it, or members. */
  readonly secrets: readonly Json[]
  readonly value: Json
}

const usage = 'Please see https://aka.ms/arm-create-parameter-file for usage details.'

/** How a template's parameters are asked for, and all of them. */
export type Parameters = {
  readonly find: (name: string, context: Context) => Value | undefined
  readonly all: (context: Context) => readonly Parameter[]
  /** What was given, without the secure ones. */
  readonly shownAsGiven: JsonObject
}

/** The parameters of a template: `given` as a request has them, else their defaults. */
export function openParameters(template: Template, given: JsonObject): Parameters {
  checkNames(template, given)
  const secretsOf = new Map<string, readonly Json[]>()
  const values = openNamedValues('parameter', (name, context) => {
    const declaration = declarationOf(template, name)
    if (declaration === undefined) return undefined
    if (isSecure(declaration.type)) context.watch.secret = true
    const { value, secrets } = checked(template, declaration, given, context)
    if (secrets.length > 0) context.watch.secret = true
    secretsOf.set(declaration.name, secrets)
    return value
  })
  return {
    find: values,
    shownAsGiven: Object.fromEntries(
      Object.entries(given).filter(
        ([name]) => !isSecure(declarationOf(template, name)?.type ?? ''),
      ),
    ),
    all: (context) =>
      Object.keys(template.parameters).map((name) => {
        const type = declarationOf(template, name)?.type ?? ''
        const value = values(name, { ...context, section: 'default', watch: freshWatch() })
        return {
          name,
          type,
          isSecure: isSecure(type),
          secrets: secretsOf.get(name) ?? [],
          value: value === undefined || value === unknown ? null : value,
        }
      }),
  }
}

const declared = spellingsOf([
  ...['type', 'defaultValue', 'allowedValues', 'metadata'],
  ...['minLength', 'maxLength', 'minValue', 'maxValue'],
])

type Declaration = { readonly name: string; readonly type: string; readonly body: JsonObject }

function declarationOf(template: Template, asked: string): Declaration | undefined {
  const key = asked.toLowerCase()
  const name = Object.keys(template.parameters).find((each) => each.toLowerCase() === key)
  if (name === undefined) return undefined
  const path = ['parameters', name]
  const source = template.parameters[name]
  if (!isObject(source))
    throw new TemplateProblem(
      `Deployment template validation failed: 'The template parameter '${name}'{at} is not an object with a type.'.`,
      path,
    )
  const body = dereferenced(recased(source, declared), template.definitions, path)
  return { name, body, type: typeNamed(body.type, `template parameter '${name}'`, path) }
}

function checkNames({ parameters }: Template, given: JsonObject): void {
  const strange = Object.keys(given).filter((name) => member(parameters, name) === undefined)
  if (strange.length === 0) return
  throw new TemplateProblem(
    `Deployment template validation failed: 'The template parameters '${strange.join(', ')}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '${Object.keys(parameters).join(', ')}'. Please see https://aka.ms/arm-pass-parameter-values for usage details.'.`,
    ['parameters'],
  )
}

function checked(
  template: Template,
  declaration: Declaration,
  given: JsonObject,
  context: Context,
): { readonly value: Value; readonly secrets: readonly Json[] } {
  const { name, type, body } = declaration
  const path = ['parameters', name]
  const value = givenOrDefault(declaration, given, context)
  if (value === unknown) return { value, secrets: [] }
  const secrets: Json[] = []
  const { definitions } = template
  const checking = { definitions, meter: context.template.meter, declaredAt: path, secrets }
  const misfit = misfitOf(value, body, checking, name)
  if (misfit === undefined) return { value, secrets }
  // What is secret stays out of messages.
  const isShown = fits(value, type) && !isSecure(type) && typeof value !== 'object'
  const shown = isShown ? ` '${String(value).slice(0, 200)}'` : ''
  const inside = misfit.at === name ? '' : ` At '${misfit.at}':`
  throw new TemplateProblem(
    `Deployment template validation failed: 'The provided value${shown} for the template parameter '${name}'{at} is not valid.${inside} ${misfit.why} ${usage}'.`,
    path,
  )
}

function givenOrDefault({ name, body }: Declaration, given: JsonObject, context: Context): Value {
  const path = ['parameters', name]
  const entry = member(given, name)
  if (isObject(entry) && entry.reference !== undefined)
    throw new TemplateProblem(
      `The specified KeyVault of the parameter '${name}'{at} could not be found: there are no key vaults here. Give its value, as { "value": … }. Please see https://aka.ms/arm-keyvault for usage details.`,
      path,
      { code: 'KeyVaultParameterReferenceNotFound' },
    )
  if (entry !== undefined && (!isObject(entry) || entry.value === undefined))
    throw new TemplateProblem(
      `Deployment template validation failed: 'The template parameter '${name}' is given as what is no parameter: it must be an object with a value. ${usage}'.`,
      path,
    )
  const value = entry?.value ?? null
  if (value !== null) return value
  if (body.defaultValue !== undefined) {
    const inner: Context = {
      ...context,
      section: 'default',
      copies: [],
      lambdas: new Map(),
      callParameters: undefined,
      rewrites: false,
    }
    return evaluateNow(body.defaultValue, inner, [...path, 'defaultValue'])
  }
  if (body.nullable === true) return null
  throw new TemplateProblem(
    `Deployment template validation failed: 'The value for the template parameter '${name}'{at} is not provided. ${usage}'.`,
    path,
  )
}
