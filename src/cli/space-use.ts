import { z } from 'zod'
import { isArray, objectOr } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import type { JsonObject } from '../domain/rows.ts'
import { apiVersions } from './paths.ts'
import type { Session } from './session.ts'
import { at, type Column } from './table.ts'
import { formatBytes } from './units.ts'

const Bytes = z.object({
  occupiedBytes: z.number(),
  uniqueBytes: z.number(),
  sharedBytes: z.number(),
})
const Answer = z.object({
  value: z.array(
    z.object({
      region: z.string(),
      displayName: z.string(),
      stored: Bytes,
      freedBytes: z.number(),
      spaces: z.array(
        z.object({ space: z.string(), plain: Bytes, stored: Bytes, freedBytes: z.number() }),
      ),
    }),
  ),
})

export const spaceColumns: readonly Column[] = [
  ['Region', 'displayName'],
  ['Spaces', (row) => String(spacesOf(row).length)],
  ['Data', (row) => bytesAt('plain.occupiedBytes')(spacesOf(row)[0] ?? {})],
  ['Stored', bytesAt('stored.occupiedBytes')],
  ['Unique', bytesAt('stored.uniqueBytes')],
  ['Shared', bytesAt('stored.sharedBytes')],
  ['A deletion frees', bytesAt('freedBytes')],
]

function spacesOf({ spaces }: JsonObject): readonly JsonObject[] {
  return isArray(spaces) ? spaces.map((each) => objectOr(each)) : []
}

function bytesAt(path: string) {
  return (row: JsonObject): string => {
    const bytes = at(row, path)
    return typeof bytes === 'number' ? formatBytes(bytes) : ''
  }
}

/** What a version takes up, a region a row. Throws ClientError (404 when it does not exist, 503 while it is counted). */
export async function readSpace(session: Session, versionPath: string, signal: AbortSignal) {
  const path = `${versionPath}/providers/Vitrine.Gallery/space`
  const answer = await session.client.call('GET', path, { apiVersion: apiVersions.vitrine, signal })
  const parsed = Answer.safeParse(answer.body)
  if (parsed.success) return parsed.data.value
  throw new ClientError({
    code: 'BadAnswer',
    message: 'The server tells the space of a version in a shape that is not known here.',
    nextStep: 'Use the `vitrine` command of the same release as the server.',
  })
}
