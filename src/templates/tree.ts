import { invariant } from '../base/assert.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import {
  type Context,
  type CopyStep,
  freshWatch,
  unknown,
  type Value,
  type Watch,
} from './context.ts'
import { evaluate } from './evaluate.ts'
import { isExpression, literalOf, protectedText } from './expression.ts'
import { isArray, isObject } from './json.ts'
import { located, type TemplatePath, TemplateProblem } from './problem.ts'
import { rewritten } from './rewrite.ts'

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

/** Azure's own bound of the rounds of one loop. */
export const copiesMax = 800

/** Evaluates every expression of an object, in values and in names. `sourcePath` is where the template has it. */
export function evaluateTree(
  source: JsonObject,
  context: Context,
  sourcePath: TemplatePath,
): PendingTree {
  const gathered: Gathered = { holes: [], secretPaths: [] }
  const known = walk(source, context, { path: [], sourcePath }, gathered)
  invariant(isObject(known), 'an object evaluates to an object')
  pay(known, context)
  return { known, ...gathered }
}

/** Evaluates a value as a whole: unknown while any part of it waits for facts. */
export function evaluateNow(source: Json, context: Context, sourcePath: TemplatePath): Value {
  const gathered: Gathered = { holes: [], secretPaths: [] }
  const known = walk(source, context, { path: [], sourcePath }, gathered)
  pay(known, context)
  if (gathered.secretPaths.length > 0) context.watch.secret = true
  return gathered.holes.length > 0 ? unknown : known
}

/** Values may share their parts: what they would be as text is what counts. */
function pay(value: Json, { template }: Context): void {
  template.meter.spend(template.meter.sizeOf(value))
}

/** How many rounds a loop has; unknown while that waits for facts. */
export function countOf(
  loop: JsonObject,
  context: Context,
  sourcePath: TemplatePath,
): number | typeof unknown {
  const path = [...sourcePath, 'count']
  const count = evaluateNow(loop.count ?? null, context, path)
  if (count === unknown) return unknown
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > copiesMax)
    throw new TemplateProblem(
      `Deployment template validation failed: 'The value of the template copy count property '${JSON.stringify(count)}'{at} is not valid: it must be an integer from '0' to '${copiesMax}'. Please see https://aka.ms/arm-resource-loops for usage details.'.`,
      path,
    )
  return count
}

function walk(source: Json, context: Context, spot: Spot, gathered: Gathered): Json {
  context.template.meter.step(context.deep)
  if (typeof source === 'string') return textAt(source, context, spot, gathered)
  if (isArray(source))
    return source.map((each, at) => walk(each, context, below(spot, at, at), gathered))
  if (!isObject(source)) return source
  const loops = context.rewrites ? undefined : loopsOf(source)
  const members = membersOf(source, context, spot)?.filter(
    ({ sourceName }) => loops === undefined || sourceName !== 'copy',
  )
  const rounds = loops?.map((loop, at) =>
    roundsOf(loop, context, { ...spot, sourcePath: [...spot.sourcePath, 'copy', at] }),
  )
  if (members === undefined || rounds?.includes(undefined) === true) {
    gathered.holes.push({ ...spot, source, context })
    return source
  }
  const entries = members.map(({ name, sourceName, value }): [string, Json] => [
    name,
    walk(value, context, below(spot, name, sourceName), gathered),
  ])
  const looped = (rounds ?? []).flatMap((each) => {
    if (each === undefined) return []
    const values = each.contexts.map((inner, at) =>
      walk(
        each.input,
        inner,
        { path: [...spot.path, each.name, at], sourcePath: each.sourcePath },
        gathered,
      ),
    )
    return [[each.name, values] satisfies [string, Json]]
  })
  return Object.fromEntries([...entries, ...looped])
}

function textAt(source: string, context: Context, spot: Spot, gathered: Gathered): Json {
  if (!isExpression(source)) return context.rewrites ? source : literalOf(source)
  const watch = freshWatch()
  const inner = { ...context, watch }
  const value = located(spot.sourcePath, () =>
    withoutSecrets(watch, () => evaluate(context.template.parse(source), inner)),
  )
  if (watch.secret) gathered.secretPaths.push(spot.path)
  if (watch.openLoop) return rewritten(context.template.parse(source), inner)
  if (value !== unknown) return context.rewrites ? protectedTree(value) : value
  gathered.holes.push({ ...spot, source, context })
  return source
}

/** A message may quote what an expression works on: not where that is secret. */
function withoutSecrets<Result>(watch: Watch, act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof TemplateProblem) || !watch.secret) throw error
    throw new TemplateProblem(
      'An expression cannot be evaluated; it uses a secure parameter, so it is not told what it works on.',
    )
  }
}

/** A value as a template has to say it, so that it stays what it is. */
function protectedTree(value: Json): Json {
  if (typeof value === 'string') return protectedText(value)
  if (isArray(value)) return value.map(protectedTree)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, protectedTree(each)]),
  )
}

type Member = { readonly name: string; readonly sourceName: string; readonly value: Json }

/** The members of an object, whose names may be expressions too; undefined while one of these waits for facts. */
function membersOf(source: JsonObject, context: Context, spot: Spot): Member[] | undefined {
  const members: Member[] = []
  for (const [sourceName, value] of Object.entries(source)) {
    const name = isExpression(sourceName)
      ? located([...spot.sourcePath, sourceName], () =>
          evaluate(context.template.parse(sourceName), context),
        )
      : context.rewrites
        ? sourceName
        : literalOf(sourceName)
    if (name === unknown) return undefined
    members.push({
      name: typeof name === 'string' ? name : JSON.stringify(name),
      sourceName,
      value,
    })
  }
  return members
}

/** The loops of an object that has `copy: [{ name, count, input }]`. */
function loopsOf(source: JsonObject): readonly JsonObject[] | undefined {
  if (!Object.hasOwn(source, 'copy') || !isArray(source.copy)) return undefined
  const loops = source.copy.filter(isObject)
  const isLoop = ({ name, count, input }: JsonObject) =>
    typeof name === 'string' && count !== undefined && input !== undefined
  return loops.length === source.copy.length && loops.every(isLoop) ? loops : undefined
}

type Rounds = {
  readonly name: string
  readonly input: Json
  readonly sourcePath: TemplatePath
  readonly contexts: readonly Context[]
}

function roundsOf(loop: JsonObject, context: Context, { sourcePath }: Spot): Rounds | undefined {
  const count = countOf(loop, context, sourcePath)
  if (count === unknown) return undefined
  const name = String(loop.name)
  return {
    name,
    input: loop.input ?? null,
    sourcePath: [...sourcePath, 'input'],
    contexts: Array.from({ length: count }, (_, index) =>
      inRound(context, { name, index, of: 'value' }),
    ),
  }
}

/** The context of one round of a loop. */
export function inRound(context: Context, round: CopyStep): Context {
  return { ...context, copies: [...context.copies, round] }
}

function below(spot: Spot, name: string | number, sourceName: string | number): Spot {
  return { path: [...spot.path, name], sourcePath: [...spot.sourcePath, sourceName] }
}
