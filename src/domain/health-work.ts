import type { WorkRequest } from './rows.ts'
import { parseSpaceId, type SpaceId } from './spaces.ts'

/** Below a resource: its own operations end by its own work. */
const head = '/providers/vitrine.gallery/'

/** The operations of a verification are about this. */
export function verifyKey(key: string, region: string | undefined): string {
  return `${key}${head}verify${region === undefined ? '' : `/${region}`}`
}

/** The operations of a rebuild are about this. */
export function spaceKey(space: SpaceId): string {
  return `${head}spaces/${space.toLowerCase()}`
}

/** The key of the resource that an operation concerns; '' when it concerns none. */
export function concerned(key: string): string {
  const at = key.indexOf(head)
  return at < 0 ? key : key.slice(0, at)
}

/** Asks for every pack of a resource to be looked at, in one region or in all where it lies. */
export function verifyRequest(key: string, region: string | undefined): WorkRequest {
  const subject = `${key}@${region ?? '*'}`
  return { kind: 'Verify', subject, queue: 'control', generation: 1, key }
}

/** Asks for a lost space to be made anew and filled from others. */
export function rebuildRequest(space: SpaceId): WorkRequest {
  const region = parseSpaceId(space)?.region ?? ''
  const queue = `region:${region}`
  return { kind: 'RebuildSpace', subject: space, queue, generation: 1, key: undefined }
}

/** Asks for a root that is missing, bad or of another id to be written again. The row knows its key before it is written. */
export function mendRootRequest({
  space,
  root,
  keeper,
}: {
  readonly space: SpaceId
  readonly root: string
  readonly keeper: string
}): WorkRequest {
  const region = parseSpaceId(space)?.region ?? ''
  const subject = `${space}#${root}#${keeper}`
  return { kind: 'MendRoot', subject, queue: `region:${region}`, generation: 1, key: undefined }
}
