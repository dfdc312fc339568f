import { isObject } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import { sameRegion } from '../domain/regions.ts'
import type { JsonObject } from '../domain/rows.ts'
import { parseVersionName, versionSortKey } from '../domain/version-name.ts'
import { findImage, parseNamedImage } from './named-image.ts'
import { apiVersions, type VersionNames } from './paths.ts'
import { readRegions } from './region-progress.ts'
import { propertiesOf } from './resources.ts'
import type { Session } from './session.ts'
import { at } from './table.ts'

/**
 * The version that is meant: an exact one as it is; `latest` is the highest by number that is not excluded and is usable
 * in `region` (in any, when it is left out). Throws ClientError (404) when there is none.
 */
export async function resolveVersion(
  session: Session,
  names: VersionNames,
  options: { readonly region: string | undefined; readonly signal: AbortSignal },
): Promise<JsonObject> {
  const { client, paths } = session
  const { signal } = options
  const arm = { apiVersion: apiVersions.galleries, signal }
  if (names.version !== 'latest') {
    const found = await client.find(paths.version(names), arm)
    if (found !== undefined) return found
    throw notFound(`The version ${names.version} of '${names.definition}' does not exist.`)
  }
  const rows: JsonObject[] = []
  const list = `${paths.definition(names.group, names.gallery, names.definition)}/versions`
  for await (const row of client.list(list, arm)) rows.push(row)
  for (const row of latestFirst(rows, options.region)) {
    const path = paths.version({ ...names, version: String(row.name) })
    if (await isUsable(session, path, options)) return row
  }
  const where = options.region === undefined ? '' : ` in ${options.region}`
  throw notFound(`'${names.definition}' has no latest version that is usable${where}.`)
}

/** The id of a version that was given by id or as `publisher:offer:sku:version`. Throws UsageError, ClientError. */
export async function versionIdOf(
  session: Session,
  text: string,
  options: { readonly region: string | undefined; readonly signal: AbortSignal },
): Promise<string> {
  const named = parseNamedImage(text)
  if (named === undefined) return text
  const names = await findImage(session, named, { signal: options.signal })
  return String((await resolveVersion(session, names, options)).id)
}

/** The versions that `latest` may be in the region (in any, when it is left out), highest number first. */
export function latestFirst(
  versions: readonly JsonObject[],
  region?: string,
): readonly JsonObject[] {
  return versions
    .filter((row) => isCandidate(row, region))
    .map((row) => ({ row, name: parseVersionName(String(row.name)) }))
    .flatMap(({ row, name }) => (name === undefined ? [] : [{ row, key: versionSortKey(name) }]))
    .sort((one, other) => (one.key < other.key ? 1 : -1))
    .map(({ row }) => row)
}

/** A region's own word beats that of the version. */
function isCandidate(row: JsonObject, region: string | undefined): boolean {
  const isExcluded = at(propertiesOf(row), 'publishingProfile.excludeFromLatest') === true
  const targets = at(propertiesOf(row), 'publishingProfile.targetRegions')
  const here = (Array.isArray(targets) ? targets : [])
    .filter(isObject)
    .filter(({ name }) => region === undefined || sameRegion(String(name), region))
  if (here.length === 0) return !isExcluded
  return here.some(({ excludeFromLatest = isExcluded }) => excludeFromLatest !== true)
}

async function isUsable(
  session: Session,
  path: string,
  { region, signal }: Parameters<typeof resolveVersion>[2],
) {
  const regions = await readRegions(session, path, signal)
  const here = regions.filter((one) => region === undefined || sameRegion(one.displayName, region))
  return here.some(({ usable }) => usable)
}

function notFound(message: string): ClientError {
  return new ClientError({
    code: 'ResourceNotFound',
    message,
    status: 404,
    nextStep:
      '`vitrine image-version list -g … -r … -i …` shows the versions; `show` the regions of one.',
  })
}
