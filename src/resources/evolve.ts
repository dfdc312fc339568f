import { limits } from '../domain/limits.ts'
import type { Problem } from '../domain/problem.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Evolution, ResourceType } from './declaration.ts'
import { patchMerge, withoutEmpties, withoutNulls } from './merge.ts'
import { isOverBounds, overBounds, parseDocument } from './parse.ts'
import { filledFrom, isObject, jsonOf, valueAt, withoutPath, withValueAt } from './paths.ts'

/** What a write comes to: the whole document in the newest shape, or every reason why there is none. */
export type Planned = { readonly doc: JsonObject } | { readonly problems: readonly Problem[] }

/**
 * The document that a PUT of `body` asks for. Left out of the body: cleared or its default, except what the type keeps and
 * what `apiVersion` cannot say, which stay as stored. `stored` is undefined on creation.
 */
export function planPut(
  type: ResourceType,
  put: {
    readonly body: unknown
    readonly stored: JsonObject | undefined
    readonly apiVersion: string
  },
): Planned {
  const { body, stored, apiVersion } = put
  if (!isObject(body) || isOverBounds(body)) return { problems: [overBounds] }
  const asked = withoutNulls(body)
  const refused = refusedProblems(type, asked, apiVersion)
  if (refused.length > 0) return { problems: refused }
  const lifted = withoutReadOnly(type, lift(type, asked, apiVersion))
  const whole =
    stored === undefined
      ? lifted
      : keep(type, stored, keepUnsayable(type, stored, lifted, apiVersion))
  const parsed = parseDocument(type, whole)
  if ('problems' in parsed) return parsed
  const doc = jsonOf(parsed.doc)
  const properties = withoutEmpties(jsonOf(doc.properties))
  return bounded(withDefaults(type, { ...doc, properties }, apiVersion))
}

function bounded(doc: JsonObject): Planned {
  const chars = JSON.stringify(doc).length
  if (chars <= limits.documentCharsMax) return { doc }
  const message =
    `The request content was invalid: the resource would have ${chars} characters of JSON, ` +
    `but at most ${limits.documentCharsMax} are kept. Shorten its texts.`
  return { problems: [{ code: 'InvalidRequestContent', message }] }
}

/** The document that a PATCH asks for: a JSON merge patch over what GET shows at this api-version, then as a PUT. */
export function planPatch(
  type: ResourceType,
  patch: { readonly body: unknown; readonly stored: JsonObject; readonly apiVersion: string },
): Planned {
  const { body, stored, apiVersion } = patch
  if (!isObject(body) || isOverBounds(body)) return { problems: [overBounds] }
  const merged = patchMerge(lower(type, stored, apiVersion), body)
  return planPut(type, { body: merged, stored, apiVersion })
}

/** A request's body in the newest shape, without what its api-version does not know. */
function lift(type: ResourceType, body: JsonObject, apiVersion: string): JsonObject {
  const known = unsayable(type, apiVersion).reduce(withoutPath, body)
  return type.evolution.moves
    .filter((move) => apiVersion < move.before)
    .reduce((moved, move) => move.up(moved), known)
}

/** A document of the newest shape as `apiVersion` says it. */
export function lower(
  type: Pick<ResourceType, 'evolution'>,
  doc: JsonObject,
  apiVersion: string,
): JsonObject {
  const moved = type.evolution.moves
    .filter((move) => apiVersion < move.before)
    .reduceRight((shape, move) => move.down(shape), doc)
  return unsayable(type, apiVersion).reduce(withoutPath, moved)
}

/** Writes out what this api-version means by leaving something out. */
function withDefaults(type: ResourceType, doc: JsonObject, apiVersion: string): JsonObject {
  return type.evolution.defaults
    .filter(({ from, until }) => (from ?? '') <= apiVersion && (until ?? '~') > apiVersion)
    .filter(({ path }) => valueAt(doc, path) === undefined)
    .reduce((filled, { path, value }) => withValueAt(filled, path, value), doc)
}

/** `next` with the stored values of all that `apiVersion` has no words for. */
function keepUnsayable(
  type: ResourceType,
  stored: JsonObject,
  next: JsonObject,
  apiVersion: string,
): JsonObject {
  return unsayable(type, apiVersion).reduce(
    (kept, path) => filledFrom(kept, stored, { path, by: type.by }),
    next,
  )
}

/** `next` with the stored values of what the type says is unchanged when left out. */
function keep(type: ResourceType, stored: JsonObject, next: JsonObject): JsonObject {
  return type.keep.reduce((kept, path) => filledFrom(kept, stored, { path, by: type.by }), next)
}

function withoutReadOnly(type: ResourceType, body: JsonObject): JsonObject {
  return type.readOnly.reduce(withoutPath, body)
}

/** By evolution, then api-version; asked once for each row that is shown. */
const unsayablePaths = new WeakMap<Evolution, Map<string, readonly string[]>>()

/** `apiVersion` is one of the type's, so that there are few. */
function unsayable(
  { evolution }: Pick<ResourceType, 'evolution'>,
  apiVersion: string,
): readonly string[] {
  const known = unsayablePaths.get(evolution) ?? new Map<string, readonly string[]>()
  const paths =
    known.get(apiVersion) ??
    Object.entries(evolution.since)
      .filter(([, since]) => apiVersion < since)
      .map(([path]) => path)
  unsayablePaths.set(evolution, known.set(apiVersion, paths))
  return paths
}

function refusedProblems(
  type: ResourceType,
  body: JsonObject,
  apiVersion: string,
): readonly Problem[] {
  return (type.evolution.refused ?? [])
    .filter(({ path, until }) => apiVersion < until && valueAt(body, path) !== undefined)
    .map(({ says }) => ({
      code: 'InvalidParameter',
      message: `Parameter '${type.target}.${says}' is not allowed.`,
      target: `${type.target}.${says}`,
    }))
}
