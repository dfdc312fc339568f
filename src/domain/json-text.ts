import { ArmError } from './errors.ts'

/** Escapes that may stand for what no database keeps. */
const suspect = /\\u(?:0000|d[89a-f])/i

/**
 * Reads JSON. Throws SyntaxError, also for a name or string with a NUL or half of a surrogate pair: no text of Azure's has
 * one, and in a database names that differ in nothing else would be one.
 */
export function parseJson(text: string): unknown {
  return suspect.test(text) ? JSON.parse(text, refuseUnkept) : JSON.parse(text)
}

/** Throws InvalidRequestContent for JSON that `parseJson` refuses. */
export function mustBeKept(json: string): void {
  try {
    if (suspect.test(json)) parseJson(json)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ArmError('InvalidRequestContent', `The request content was invalid: ${why}.`)
  }
}

function refuseUnkept(name: string, value: unknown): unknown {
  for (const text of [name, value]) {
    if (typeof text !== 'string') continue
    if (text.includes('\0')) throw new SyntaxError('a string holds a NUL character')
    if (!text.isWellFormed()) throw new SyntaxError('a string holds half of a surrogate pair')
  }
  return value
}
