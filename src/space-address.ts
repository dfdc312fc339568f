import { join } from 'node:path'
import type { BlobsAddress, S3Address } from './blobs/blobs.ts'
import type { Config, S3Place } from './config.ts'
import { Unavailable } from './domain/errors.ts'
import { parseSpaceId, type SpaceId } from './domain/spaces.ts'

type Places = Pick<Config, 'data' | 'spaces'>

/**
 * Where a space's blobs lie: where the first pattern of the configuration that fits puts them, else below the data folder.
 * The folder of a pattern without `*` is the space's own; all other places hold each space below its id.
 */
export function spaceAddress({ data, spaces }: Places, space: SpaceId): BlobsAddress {
  if (!parseSpaceId(space)) throw new Unavailable(`There is no space '${space}'.`)
  const found = Object.entries(spaces).find(([pattern]) => fits(space, pattern))
  if (!found) return { kind: 'disk', folder: join(data, 'spaces', ...space.split('/')) }
  const [pattern, place] = found
  if (typeof place !== 'string') return s3Address(place, `${space}/`)
  return { kind: 'disk', folder: pattern === space ? place : join(place, ...space.split('/')) }
}

/** Every bucket that the configuration names, without a space in it. */
export function bucketsOf({ spaces }: Pick<Config, 'spaces'>): S3Address[] {
  const places = Object.values(spaces).filter((place) => typeof place !== 'string')
  return places.map((place) => s3Address(place, ''))
}

function s3Address(place: S3Place, below: string): S3Address {
  const { endpoint, region, bucket, profile } = place
  const prefix = `${place.prefix}${below}`
  const pathStyle = place.pathStyle ?? endpoint !== undefined
  return { kind: 's3', endpoint, region, bucket, prefix, pathStyle, profile }
}

/** Part by part; `*` fits one part, at the end all that follow. */
function fits(space: SpaceId, pattern: string): boolean {
  const wanted = pattern.split('/')
  const parts = space.split('/')
  const enough =
    wanted.at(-1) === '*' ? parts.length >= wanted.length : parts.length === wanted.length
  return enough && wanted.every((part, at) => part === '*' || part === parts[at])
}
