import type { ClientError } from '../client/client-error.ts'

/** Where in a template or in which resource it is, and what is told beneath it: lines below the head of an error. */
export function errorLines(error: ClientError): readonly string[] {
  const { code, message, details } = error
  // The details of a refusal begin with what the head says already.
  const others = details.filter((detail) => detail.code !== code || detail.message !== message)
  return [...placesOf(error).map((place) => `  at ${place}`), ...new Set(others.map(linesOf))]
}

function linesOf(detail: ClientError['details'][number]): string {
  const places = placesOf(detail).map((place) => `    at ${place}`)
  return [`  ${detail.code}: ${detail.message}`, ...places].join('\n')
}

function placesOf({ target, place }: ClientError['details'][number]): readonly string[] {
  return [target, place].filter((one) => one !== undefined)
}
