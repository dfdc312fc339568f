import { resolve } from 'node:path'
import { StartError } from '../base/start-error.ts'
import type { BlobsAddress } from '../blobs/blobs.ts'
import type { Config } from '../config.ts'
import type { SpaceId } from '../domain/spaces.ts'

/**
 * A folder, or `s3://bucket/prefix` with what else its server wants behind a question mark: `endpoint`, `region`,
 * `profile`, `pathStyle`. Throws StartError.
 */
export function addressOfPlace(place: string): BlobsAddress {
  if (!place.startsWith('s3://')) return { kind: 'disk', folder: resolve(place) }
  const url = URL.parse(place)
  if (!url?.hostname) throw new StartError(`${place} names no bucket; write s3://bucket/prefix.`)
  const query = url.searchParams
  const endpoint = query.get('endpoint') ?? undefined
  const below = decodeURIComponent(url.pathname.slice(1))
  return {
    kind: 's3',
    endpoint,
    region: query.get('region') ?? 'us-east-1',
    bucket: url.hostname,
    prefix: below === '' || below.endsWith('/') ? below : `${below}/`,
    pathStyle: query.get('pathStyle') === 'true' || endpoint !== undefined,
    profile: query.get('profile') ?? undefined,
  }
}

/** What the setting `spaces` says of a space at this place. Throws StartError for a prefix that it cannot say. */
export function placeSetting(place: string, space: SpaceId): Config['spaces'][string] {
  const address = addressOfPlace(place)
  if (address.kind === 'disk') return address.folder
  if (address.kind === 's3' && address.prefix.endsWith(`${space}/`)) {
    const { kind: _, prefix, ...bucket } = address
    return { ...bucket, prefix: prefix.slice(0, -`${space}/`.length) }
  }
  throw new StartError(`In a bucket a space lies below its id: move ${place} below ${space}/.`)
}
