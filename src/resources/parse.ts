import type { z } from 'zod'
import { limits } from '../domain/limits.ts'
import type { Problem } from '../domain/problem.ts'
import type { ArmDocument, ResourceType } from './declaration.ts'
import { withoutNulls } from './merge.ts'
import { isObject } from './paths.ts'

/**
 * Reads a body of the newest shape: numeric strings become numbers, enum words their canonical case, unknown members go.
 * Problems name the dotted path: `galleryImage.properties.recommended.vCPUs.min`.
 */
export function parseDocument<Doc extends ArmDocument>(
  type: Pick<ResourceType<Doc>, 'schema' | 'target'>,
  body: unknown,
): { readonly doc: Doc } | { readonly problems: readonly Problem[] } {
  const withProperties =
    typeof body === 'object' && body !== null ? { properties: {}, ...body } : body
  const parsed = type.schema.safeParse(withProperties)
  const problems = parsed.success
    ? tagProblems(parsed.data.tags ?? {})
    : toldOf(parsed.error).map((issue) => issueProblem(type.target, withProperties, issue))
  return parsed.success && problems.length === 0 ? { doc: parsed.data } : { problems }
}

/** The body of an action, null read as absent; problems name the path without a prefix. */
export function parseBody(
  schema: z.ZodType,
  body: unknown,
): { readonly body: unknown } | { readonly problems: readonly Problem[] } {
  if (isOverBounds(body)) return { problems: [overBounds] }
  const sent = isObject(body) ? withoutNulls(body) : body
  const parsed = schema.safeParse(sent)
  if (parsed.success) return { body: parsed.data }
  return { problems: toldOf(parsed.error).map((issue) => issueProblem('', sent, issue)) }
}

function toldOf({ issues }: z.ZodError): readonly Issue[] {
  return issues.slice(0, limits.problemsToldMax)
}

/** Objects and arrays in a body nest no deeper than this: the deepest of any type is 9. */
const depthMax = 32

export const overBounds: Problem = {
  code: 'InvalidRequestContent',
  message: `The request content was invalid: the body must be one JSON object of bounded depth, with at most ${limits.bodyValuesMax} values in it.`,
}

/** More than any resource has: who reads a body by its schema works on each value of it, and on each fault. */
export function isOverBounds(body: unknown): boolean {
  let values = 0
  const isOver = (value: unknown, levels: number): boolean => {
    values += 1
    if (values > limits.bodyValuesMax) return true
    if (typeof value !== 'object' || value === null) return false
    return levels === 0 || Object.values(value).some((inner) => isOver(inner, levels - 1))
  }
  return isOver(body, depthMax)
}

type Issue = z.core.$ZodIssue

function issueProblem(prefix: string, body: unknown, issue: Issue): Problem {
  const target = dotted(prefix, issue.path)
  const value = at(body, issue.path)
  if (value === undefined) return missing(target)
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const allowed = issue.values.map((one) => `'${String(one)}'`).join(', ')
    const name = String(issue.path.at(-1))
    return {
      code: 'InvalidParameter',
      message: `The value '${value}' of parameter ${name} is not allowed. Allowed values are ${allowed}.`,
      target,
    }
  }
  if (issue.code === 'invalid_type' || issue.code === 'invalid_value') {
    const wanted = issue.code === 'invalid_type' ? issue.expected : 'string'
    return {
      code: 'InvalidRequestContent',
      message: `The request content was invalid: '${target}' must be of type ${wanted}, not ${kindOf(value)}.`,
      target,
    }
  }
  return { code: 'InvalidParameter', message: `${issue.message} (${target})`, target }
}

function missing(target: string): Problem {
  if (/^[^.]+\.location$/.test(target)) {
    return {
      code: 'LocationRequired',
      message: 'The location property is required for this definition.',
      target: 'location',
    }
  }
  return requiredProblem(target)
}

/** Azure's words for what a body must have. */
export function requiredProblem(target: string): Problem {
  return {
    code: 'InvalidParameter',
    message: `Required parameter '${target}' is missing (null).`,
    target,
  }
}

/** Azure's words for a number outside its bounds. */
export function rangeProblems(
  value: number | undefined,
  range: { readonly min: number; readonly max: number; readonly target: string },
): readonly Problem[] {
  if (value === undefined || (value >= range.min && value <= range.max)) return []
  const name = range.target.split('.').at(-1)
  return [
    {
      code: 'InvalidParameter',
      message: `The value ${value} of parameter ${name} is out of range. The value must be between ${range.min} and ${range.max}, inclusive.`,
      target: range.target,
    },
  ]
}

const tagsMax = 50

/** Azure's bounds of tags. */
export function tagProblems(tags: Readonly<Record<string, string>>): readonly Problem[] {
  const entries = Object.entries(tags)
  const says = (message: string, target: string): Problem => ({
    code: 'InvalidTagNameCharacters',
    message,
    target,
  })
  return [
    ...(entries.length > tagsMax
      ? [says(`A resource has at most ${tagsMax} tags; ${entries.length} were sent.`, 'tags')]
      : []),
    ...entries
      .filter(([name]) => name === '' || name.length > 512 || /[<>%&\\?/]/.test(name))
      .map(([name]) =>
        says(
          `The tag name '${name.slice(0, 80)}' is not allowed: 1 to 512 characters without <, >, %, &, \\, ?, /.`,
          `tags.${name.slice(0, 80)}`,
        ),
      ),
    ...entries
      .filter(([, value]) => value.length > 256)
      .map(([name]) => says(`The value of tag '${name}' is over 256 characters.`, `tags.${name}`)),
  ]
}

function dotted(prefix: string, path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
  return `${prefix}${text.join('')}`.replace(/^\./, '')
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null ? Reflect.get(inner, part) : undefined,
    value,
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  // JSON has numbers that are larger than any.
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number beyond all bounds'
  return Array.isArray(value) ? 'array' : typeof value
}
