import type { ErrorCode } from './errors.ts'

/** Why a request may not be carried out: Azure's code, the dotted path at fault, and a sentence that says the fix. */
export type Problem = {
  readonly code: ErrorCode
  readonly message: string
  readonly target?: string
}

/** No problem when `holds`, else the one described. */
export function unless(
  holds: boolean,
  code: ErrorCode,
  target: string,
  message: string,
): readonly Problem[] {
  return holds ? [] : [{ code, message, target }]
}
