import type { Regions } from '../domain/regions.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import type { Expression } from './expression.ts'
import type { Meter } from './meter.ts'
import type { Need } from './needs.ts'
import type { DeploymentPlace, TypeFacts } from './place.ts'

/** What an expression gives while a fact is missing that it needs. */
export const unknown: unique symbol = Symbol('unknown')
export type Value = Json | typeof unknown

/** All that an expression can ask for, where it stands. Immutable; a narrower one is made by spreading. */
export type Context = {
  /** The same for all expressions of one template. */
  readonly template: TemplateContext
  /** What may be called here: `newGuid` and `utcNow` in defaults, `reference` and lists in bodies and outputs. */
  readonly section: 'default' | 'variable' | 'name' | 'body' | 'output'
  readonly copies: readonly CopyStep[]
  readonly lambdas: ReadonlyMap<string, Value>
  /** Of a user-defined function: its parameters instead of the template's. */
  readonly callParameters: ReadonlyMap<string, Value> | undefined
  readonly lookup: Lookup
  readonly watch: Watch
  /** How many calls deep this is. */
  readonly deep: number
  /**
   * True in a nested template that is evaluated from outside: the result is a template again, so its own loops stay as
   * they are, and texts that look like expressions stay protected.
   */
  readonly rewrites: boolean
}

/** Where an expression stands in its copy loops, the innermost last. */
export type CopyStep = {
  readonly name: string
  readonly index: number
  readonly of: 'resource' | 'value'
}

/** What an expression turned out to use: a secure parameter; a loop of the nested template that it stands in. */
export type Watch = { secret: boolean; openLoop: boolean }

/** Answers needs. */
export type Lookup = {
  readonly find: (need: Need) => Value
  /** While planning, what either branch of an undecided `if` may need is of interest. */
  readonly walksBothBranches: boolean
}

export type TemplateContext = {
  readonly place: DeploymentPlace
  readonly nowMs: number
  readonly newGuid: () => string
  readonly environment: JsonObject
  readonly deployer: JsonObject
  readonly regions: Pick<Regions, 'find'>
  readonly deployment: () => JsonObject
  readonly typeOf: (type: string) => TypeFacts | undefined
  readonly meter: Meter
  readonly parse: (text: string) => Expression
  /** Undefined when there is none of the name, in any case. */
  readonly parameter: (name: string, context: Context) => Value | undefined
  readonly variable: (name: string, context: Context) => Value | undefined
  readonly userFunction: (name: string) => UserFunction | undefined
  /** What the template itself deploys, by symbolic name, name or id; or a whole loop, by its symbolic name. */
  readonly ownResource: (reference: string) => OwnResource | undefined
  readonly ownLoop: (symbolicName: string) => readonly OwnResource[] | undefined
}

export type OwnResource = { readonly id: string; readonly apiVersion: string }

export type UserFunction = {
  readonly parameters: readonly string[]
  readonly run: (args: readonly Value[], context: Context) => Value
}

export function freshWatch(): Watch {
  return { secret: false, openLoop: false }
}
