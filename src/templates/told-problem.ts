import type { JsonObject } from '../domain/rows.ts'
import { isArray } from './json.ts'
import { type Position, type TemplatePath, TemplateProblem } from './problem.ts'

/** What an expression did wrong, told of the part of the template that it stands in, as Azure does. */
export function wrapped(problem: TemplateProblem, template: JsonObject): TemplateProblem {
  const { message, path, code } = problem
  if (code !== 'InvalidTemplate' || message.startsWith('Deployment template ')) return problem
  const text = `Deployment template validation failed: 'The ${subjectOf(path, template)}{at} is not valid: ${message.replace(/\.$/, '')}.'.`
  return new TemplateProblem(text, path, problem)
}

function subjectOf(path: TemplatePath, template: JsonObject): string {
  const [section, member] = path
  switch (section) {
    case 'resources':
      return `template resource '${resourceName(path, template)}'`
    case 'parameters':
    case 'variables':
    case 'outputs':
      return member === undefined
        ? 'template'
        : `template ${section.slice(0, -1)} '${String(member)}'`
    default:
      return 'template'
  }
}

/** Of a name that is an expression without end: what is wrong with it stands behind it. */
const nameCharsMax = 1_000

/** The name as written, or the place, of the innermost resource that a path leads through. */
function resourceName(path: TemplatePath, template: JsonObject): string {
  let name = String(path[1] ?? '')
  let value: unknown = template
  for (const [at, part] of path.entries()) {
    if (typeof value !== 'object' || value === null) break
    value = Reflect.get(value, part)
    const isResource = path[at - 1] === 'resources'
    if (isResource && typeof value === 'object' && value !== null && !isArray(Object(value))) {
      const own = Reflect.get(value, 'name')
      if (typeof own === 'string') name = own
    }
  }
  return name.length > nameCharsMax ? `${name.slice(0, nameCharsMax)}…` : name
}

/** The problem with its line and column, wherever `positionOf` knows them. */
export function positioned(
  problem: TemplateProblem,
  positionOf: ((path: TemplatePath) => Position | undefined) | undefined,
): TemplateProblem {
  const position = problem.position ?? nearest(problem.path, positionOf)
  const at = atPosition(position)
  return new TemplateProblem(
    problem.message.replaceAll('{at}', () => at),
    problem.path,
    { ...(problem.code === 'InvalidTemplate' ? {} : { code: problem.code }), position },
  )
}

/** With a space before it; '' where the position is not known. */
export function atPosition(position: Position | undefined): string {
  return position === undefined ? '' : ` at line '${position.line}' and column '${position.column}'`
}

/** Of the value, or else of the nearest one around it: a value may come from a loop or a definition. */
function nearest(
  path: TemplatePath,
  positionOf: ((path: TemplatePath) => Position | undefined) | undefined,
): Position | undefined {
  if (positionOf === undefined) return undefined
  for (let length = path.length; length >= 0; length--) {
    const position = positionOf(path.slice(0, length))
    if (position !== undefined) return position
  }
  return undefined
}
