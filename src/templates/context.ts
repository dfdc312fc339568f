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
  /** What else may be called here: `newGuid` and `utcNow` in defaults, `reference` and lists in bodies and outputs. */
  readonly section: 'default' | 'variable' | 'name' | 'body' | 'output'
  readonly copies: readonly CopyStep[]
  readonly lambdas: ReadonlyMap<string, Value>
  /** Of a user-defined function: its parameters instead of the template's. */
  readonly callParameters: ReadonlyMap<string, Value> | undefined
  readonly lookup: Lookup
  readonly watch: Watch
  /** How many calls deep this is. */
  readonly deep: number
}

/** Where an expression stands in its copy loops, the innermost last. */
export type CopyStep = { readonly name: string; readonly index: number }

/** What an expression turned out to use. */
export type Watch = { secret: boolean }

/** Answers needs; `speculative` is true where a branch is walked that may never be taken. */
export type Lookup = {
  readonly find: (need: Need) => Value
  readonly walksBothBranches: boolean
}

export type TemplateContext = {
  readonly place: DeploymentPlace
  readonly nowMs: number
  readonly newGuid: () => string
  readonly environment: JsonObject
  readonly deployment: JsonObject
  readonly typeOf: (type: string) => TypeFacts | undefined
  readonly meter: Meter
  readonly parse: (text: string) => Expression
  readonly parameter: (name: string, watch: Watch) => Value | undefined
  readonly variable: (name: string, context: Context) => Value | undefined
  readonly userFunction: (name: string) => UserFunction | undefined
  /** Id, type and api-version of what the template itself deploys, by symbolic name, name or id. */
  readonly ownResource: (reference: string) => OwnResource | undefined
}

export type OwnResource = {
  readonly id: string
  readonly type: string
  readonly apiVersion: string
}

export type UserFunction = {
  readonly parameters: readonly string[]
  readonly output: Json
}
