import { ArmError, TemplateRefused } from '../domain/errors.ts'
import type { JsonObject } from '../domain/rows.ts'
import {
  type Position,
  printPath,
  type TemplatePath,
  type TemplateProblem,
} from '../templates/problem.ts'
import { atPosition, positioned } from '../templates/told-problem.ts'

export type PositionOf = (path: TemplatePath) => Position | undefined

/** A request that a deployment made in its caller's name was refused. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  /** `{ code, message, … }` as ARM answered it. */
  readonly error: JsonObject

  constructor(status: number, error: JsonObject) {
    super(String(error.message))
    this.status = status
    this.error = error
  }
}

export type Told = { readonly status: number; readonly error: JsonObject }

/** What the caller is told; undefined for what is not his fault. */
export function toldOf(error: unknown): Told | undefined {
  if (error instanceof Refused) return { status: error.status, error: error.error }
  if (!(error instanceof ArmError)) return undefined
  const { code, message, status, details } = error
  const told = { code, message, ...(details.length > 0 && { details: details.map(plain) }) }
  const where = error instanceof TemplateRefused ? error.additionalInfo : []
  return { status, error: { ...told, ...(where.length > 0 && { additionalInfo: where }) } }
}

function plain({ code, message, target }: ArmError['details'][number]): JsonObject {
  return { code, message, ...(target !== undefined && { target }) }
}

/** An error with the place in the template that it comes from, unless it tells one already. */
export function placed(error: JsonObject, path: TemplatePath, positionOf: PositionOf): JsonObject {
  const told = Array.isArray(error.additionalInfo) ? error.additionalInfo : []
  if (positionOf(path) === undefined || told.some(isViolation)) return error
  return { ...error, additionalInfo: [...told, ...violation({ path }, positionOf)] }
}

function isViolation(info: JsonObject): boolean {
  return info.type === 'TemplateViolation'
}

/** Where in the template something is wrong. */
export function violation(
  { path, position }: { readonly path: TemplatePath; readonly position?: Position | undefined },
  positionOf?: PositionOf,
): readonly JsonObject[] {
  const { line, column } = position ?? positionOf?.(path) ?? { line: 0, column: 0 }
  const info = { lineNumber: line, linePosition: column, path: printPath(path) }
  return [{ type: 'TemplateViolation', info }]
}

/** An expression that waited for other resources, and cannot be evaluated now that they are there. */
export function unevaluated(
  problem: TemplateProblem,
  subject: string,
  positionOf: PositionOf,
): TemplateRefused {
  const { message, path, position, code } = positioned(problem, positionOf)
  const at = atPosition(position)
  const text = `Unable to process template language expressions for ${subject}${at}. '${message}'`
  return new TemplateRefused(code, text, violation({ path, position }))
}
