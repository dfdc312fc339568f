import type { Json } from '../domain/rows.ts'

/**
 * The version that an image's id stood for, in the form in which it was named: `…/versions/latest`, and the id of a definition,
 * with the name of `exact`, which is the version's own id. Any other id, or without `exact`, is as it was.
 */
export function exactId(named: string, exact: Json | undefined): string {
  const version = typeof exact === 'string' ? exact.split('/').at(-1) : undefined
  const isExact = /\/versions\/(?!latest$)/i.test(named)
  if (version === undefined || isExact) return named
  const versions = /\/Images\//.test(named) ? 'Versions' : 'versions'
  return `${named.replace(/\/versions\/latest$/i, '')}/${versions}/${version}`
}
