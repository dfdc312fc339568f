import type { Json, JsonObject } from '../domain/rows.ts'
import { shownUri } from './disk-file-source.ts'
import { isList, isObject } from './paths.ts'

/** The members of disks, images, applications and versions that name a file by its URL. */
const members = new Set([
  ...['sourceUri', 'blobUri', 'uri', 'url'],
  ...['mediaLink', 'defaultConfigurationLink'],
])

/** The URLs of files that a document names. */
export function urlsIn(document: Json): readonly string[] {
  if (isList(document)) return document.flatMap((one) => urlsIn(one))
  if (!isObject(document)) return []
  return Object.entries(document).flatMap(([name, value]) =>
    typeof value === 'string' ? (members.has(name) ? [value] : []) : urlsIn(value),
  )
}

/** The same document with its URLs as GET shows them: a signature is kept as long as it is needed, and no longer. */
export function withoutSignatures(document: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [name, unsigned(name, value)]),
  )
}

function unsigned(name: string, value: Json): Json {
  if (typeof value === 'string') return members.has(name) ? shownUri(value) : value
  if (isList(value)) return value.map((one) => unsigned('', one))
  return isObject(value) ? withoutSignatures(value) : value
}
