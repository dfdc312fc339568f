/** Names and positions that lead from the root of a template to a value: `['resources', 0, 'name']`. */
export type TemplatePath = readonly (string | number)[]

/** Where a value begins in the text that a client sent, both counted from 1. */
export type Position = { readonly line: number; readonly column: number }

/** A message may name what a template makes, which may be long. */
const messageCharsMax = 4_000

export type ProblemCode =
  | 'InvalidTemplate'
  | 'InvalidRequestContent'
  | 'InvalidContentLink'
  | 'KeyVaultParameterReferenceNotFound'

/**
 * A template, its parameters or an expression is wrong: the caller's fault, in Azure's words. Everything that this room
 * throws is one of these.
 */
export class TemplateProblem extends Error {
  override readonly name = 'TemplateProblem'
  readonly code: ProblemCode
  readonly path: TemplatePath
  readonly position: Position | undefined

  constructor(
    message: string,
    path: TemplatePath = [],
    over: { readonly code?: ProblemCode; readonly position?: Position | undefined } = {},
  ) {
    super(message.length > messageCharsMax ? `${message.slice(0, messageCharsMax)}…'.` : message)
    this.code = over.code ?? 'InvalidTemplate'
    this.path = path
    this.position = over.position
  }
}

/** `properties.template.resources[0].name`, as Azure writes a path. */
export function printPath(path: TemplatePath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${part}`),
    'properties.template',
  )
}

/** Says of a problem that `act` meets where in the template that is, unless it is said already. */
export function located<Result>(path: TemplatePath, act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof TemplateProblem) || error.path.length > 0) throw error
    throw new TemplateProblem(error.message, path, error)
  }
}
