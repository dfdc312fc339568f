import { invariant } from '../base/assert.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { type Context, unknown, type Value, type Watch } from './context.ts'
import { evaluate } from './evaluate.ts'
import { isExpression, literalOf } from './expression.ts'
import { isArray, isObject } from './json.ts'
import { located, type TemplatePath } from './problem.ts'

/** A tree of JSON, some of whose values wait for what other resources say. */
export type PendingTree = {
  /** As far as it is known; what waits stands there as the template has it. */
  readonly known: JsonObject
  readonly holes: readonly Hole[]
  /** Values that secure parameters went into: show them to nobody. */
  readonly secretPaths: readonly TemplatePath[]
}

/** A value of a tree that waits. */
export type Hole = {
  readonly path: TemplatePath
  readonly source: Json
  readonly sourcePath: TemplatePath
  readonly context: Context
}

type Gathered = { readonly holes: Hole[]; readonly secretPaths: TemplatePath[] }
/** Where a value stands in the result, and where it came from in the template. */
type Spot = { readonly path: TemplatePath; readonly sourcePath: TemplatePath }

/** Evaluates every expression of an object, in values and in names. `sourcePath` is where the template has it. */
export function evaluateTree(
  source: JsonObject,
  context: Context,
  sourcePath: TemplatePath,
): PendingTree {
  const gathered: Gathered = { holes: [], secretPaths: [] }
  const known = walk(source, context, { path: [], sourcePath }, gathered)
  invariant(isObject(known), 'an object evaluates to an object')
  return { known, ...gathered }
}

/** Evaluates a value that must be known now: undefined when it waits for facts. */
export function evaluateNow(source: Json, context: Context, sourcePath: TemplatePath): Value {
  const gathered: Gathered = { holes: [], secretPaths: [] }
  const known = walk(source, context, { path: [], sourcePath }, gathered)
  if (gathered.secretPaths.length > 0) context.watch.secret = true
  return gathered.holes.length > 0 ? unknown : known
}

function walk(source: Json, context: Context, spot: Spot, gathered: Gathered): Json {
  context.template.meter.step(context.deep)
  if (typeof source === 'string') return textAt(source, context, spot, gathered)
  if (isArray(source))
    return source.map((each, at) => walk(each, context, below(spot, at, at), gathered))
  if (!isObject(source)) return source
  const names = namesOf(source, context, spot)
  if (names === undefined) {
    gathered.holes.push({ ...spot, source, context })
    return source
  }
  return Object.fromEntries(
    names.map(([name, sourceName, value]) => [
      name,
      walk(value, context, below(spot, name, sourceName), gathered),
    ]),
  )
}

function textAt(source: string, context: Context, spot: Spot, gathered: Gathered): Json {
  if (!isExpression(source)) return literalOf(source)
  const watch: Watch = { secret: false }
  const value = located(spot.sourcePath, () =>
    evaluate(context.template.parse(source), { ...context, watch }),
  )
  if (watch.secret) gathered.secretPaths.push(spot.path)
  if (value !== unknown) return value
  gathered.holes.push({ ...spot, source, context })
  return source
}

/** The names of an object, which may be expressions too; undefined while one of them waits for facts. */
function namesOf(
  source: JsonObject,
  context: Context,
  spot: Spot,
): [name: string, sourceName: string, value: Json][] | undefined {
  const names: [string, string, Json][] = []
  for (const [sourceName, value] of Object.entries(source)) {
    const name = isExpression(sourceName)
      ? located([...spot.sourcePath, sourceName], () =>
          evaluate(context.template.parse(sourceName), context),
        )
      : literalOf(sourceName)
    if (name === unknown) return undefined
    names.push([typeof name === 'string' ? name : JSON.stringify(name), sourceName, value])
  }
  return names
}

function below(spot: Spot, name: string | number, sourceName: string | number): Spot {
  return { path: [...spot.path, name], sourcePath: [...spot.sourcePath, sourceName] }
}
