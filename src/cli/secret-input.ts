import { readFile } from 'node:fs/promises'
import { UsageError } from './usage-error.ts'

/**
 * A secret that was given as `@FILE`, or as `@-` on standard input, where nobody else of the machine sees it; any other
 * text is the secret itself. Throws UsageError.
 */
export async function secretGiven(given: string): Promise<string> {
  if (!given.startsWith('@')) return given
  const file = given === '@-' ? '/dev/stdin' : given.slice(1)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`The secret cannot be read from ${file} (${error.code}).`)
  })
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') throw new UsageError(`There is no secret in ${file}.`)
  return secret
}
