import type { Problem } from '../domain/problem.ts'
import type { Effects, Facts, Need, Stored, Write } from './declaration.ts'
import { blobAction, blobBytes, pendingEffects, shownUri } from './disk-file-source.ts'
import { urlsIn } from './foreign-urls.ts'
import { jsonOf } from './paths.ts'
import { type ContentSource, ingestRequest, pendingOf } from './pending-content.ts'

function pendingIn(before: Stored<unknown>): readonly ContentSource[] {
  return pendingOf({ ...before, doc: jsonOf(before.doc) })
}

/** What is pending of a resource that failed: asked for again, it is made of the blobs that are there by now. */
function failedIn(before: Stored<unknown>): readonly ContentSource[] {
  return before.state === 'Failed' ? pendingIn(before) : []
}

const factName = ({ lun }: ContentSource): string => `again${lun ?? 'Os'}`

export function againNeeds(before: Stored<unknown>): Readonly<Record<string, Need>> {
  return Object.fromEntries(
    failedIn(before).flatMap((source) => {
      const { from } = source
      const need = from.is === 'blob' && { blob: from.blob, linked: blobAction }
      return need ? [[factName(source), need]] : []
    }),
  )
}

export function againProblems(before: Stored<unknown>, facts: Facts): readonly Problem[] {
  return failedIn(before).flatMap((source) => {
    const { from } = source
    if (from.is !== 'blob' || facts[factName(source)]?.blob) return []
    const { container, name } = from.blob
    const message = `The blob '${container}/${name}' that it is to be made of was not found.`
    return [{ code: 'NotFound' as const, message }]
  })
}

/** What could not be made is made now; undefined when all is. An upload is made when it is closed. */
export function againEffects(
  { id, next, asked }: Write<{ readonly location: string }>,
  before: Stored<unknown>,
  facts: Facts,
): Effects | undefined {
  if (!pendingIn(before).some(({ from }) => from.is !== 'upload')) return undefined
  const state = before.state === 'Creating' ? 'Creating' : 'Updating'
  const request = { key: id.key, region: next.location, generation: before.generation + 1 }
  const failed = failedIn(before).map((source) => asNow(source, facts, urlsIn(jsonOf(asked))))
  const pending = failed.length > 0 ? pendingEffects(failed) : {}
  return { ...pending, state, work: [ingestRequest(request)] }
}

/** With the signature that was sent now: the one of before may have run out, and is forgotten. */
function asNow(source: ContentSource, facts: Facts, urls: readonly string[]): ContentSource {
  const { from } = source
  if (from.is === 'url') {
    const url = urls.find((one) => shownUri(one) === shownUri(from.url)) ?? from.url
    return { ...source, from: { ...from, url } }
  }
  const found = facts[factName(source)]?.blob
  return from.is === 'blob' && found ? { ...source, from: blobBytes(from.blob, found) } : source
}
