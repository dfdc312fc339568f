import { z } from 'zod'
import { type Problem, unless } from '../domain/problem.ts'
import { isFinal, type JsonObject } from '../domain/rows.ts'
import { wholeNumber, word } from './coerce.ts'
import { contentOf } from './content.ts'
import type { Action, Effects, Stored } from './declaration.ts'
import type { Disk } from './disk-schema.ts'
import { wordOf } from './disk-source.ts'
import { jsonOf, valueAt } from './paths.ts'
import { ingestRequest } from './pending-content.ts'

const GrantAccess = z.object({
  access: word(['None', 'Read', 'Write']),
  durationInSeconds: wholeNumber,
})

/** What az asks for at most, and a bound on how long a lost URL is of use. */
const grantSecondsMax = 60 * 24 * 3600

/** POST beginGetAccess and endGetAccess: bytes in and out of a disk or snapshot. */
export function accessActions(type: string): Readonly<Record<string, Action<Disk>>> {
  return {
    beginGetAccess: {
      permission: `${type}/beginGetAccess/action`,
      body: GrantAccess,
      problems: grantProblems,
      effects: grantEffects,
    },
    endGetAccess: {
      permission: `${type}/endGetAccess/action`,
      body: z.unknown(),
      problems: (stored) => busyProblems(stored),
      effects: revokeEffects,
    },
  }
}

function grantProblems(stored: Stored<Disk>, body: unknown): readonly Problem[] {
  const { access, durationInSeconds } = GrantAccess.parse(body)
  const filled = contentOf(stored.status).length > 0
  const uploads = stored.doc.properties.creationData.createOption === 'Upload'
  const word = wordOf(stored)
  const busy = busyProblems(stored)
  if (busy.length > 0) return busy
  return [
    ...unless(
      isOpen(jsonOf(stored.doc)),
      'OperationNotAllowed',
      'networkAccessPolicy',
      `Access to '${stored.name}' is closed: its networkAccessPolicy is not 'AllowAll', or its publicNetworkAccess 'Disabled'. Change them to give access.`,
    ),
    ...unless(
      access !== 'None',
      'InvalidParameter',
      'access',
      `The value 'None' of parameter access is not allowed. Allowed values are 'Read', 'Write'.`,
    ),
    ...unless(
      durationInSeconds >= 1 && durationInSeconds <= grantSecondsMax,
      'InvalidParameter',
      'durationInSeconds',
      `The value ${durationInSeconds} of parameter durationInSeconds is out of range. The value must be between 1 and ${grantSecondsMax}, inclusive.`,
    ),
    ...unless(
      access !== 'Write' || (uploads && !filled),
      'OperationNotAllowed',
      'access',
      `Write access is given to a ${word} with createOption 'Upload' until its upload is closed by endGetAccess. The state of '${stored.name}' is ${String(stored.status.diskState)}.`,
    ),
    ...unless(
      access !== 'Read' || filled,
      'OperationNotAllowed',
      'access',
      `'${stored.name}' has no content to read yet. Its state is ${String(stored.status.diskState)}.`,
    ),
  ]
}

/** Every address of ours is public: what allows none of them gives nobody its bytes by URL. */
export function isOpen(document: JsonObject): boolean {
  const at = (name: string) => valueAt(document, `properties.${name}`)
  const policy = at('networkAccessPolicy') ?? 'AllowAll'
  return policy === 'AllowAll' && at('publicNetworkAccess') !== 'Disabled'
}

function grantEffects(_stored: Stored<Disk>, body: unknown) {
  const { access, durationInSeconds } = GrantAccess.parse(body)
  const writes = access === 'Write'
  return {
    state: 'Succeeded' as const,
    status: { diskState: writes ? 'ActiveUpload' : 'ActiveSAS' },
    grants: {
      access: writes ? ('Write' as const) : ('Read' as const),
      durationSeconds: durationInSeconds,
    },
  }
}

/** Ends every grant. An upload that was begun becomes the disk's content. */
function revokeEffects(stored: Stored<Disk>): Effects & { readonly revokesGrants: true } {
  const { status, key, region = '' } = stored
  if (status.diskState === 'ActiveUpload') {
    const work = ingestRequest({ key, region, generation: stored.generation + 1 })
    return { state: 'Updating', work: [work], revokesGrants: true }
  }
  const diskState = status.diskState === 'ActiveSAS' ? 'Unattached' : (status.diskState ?? null)
  return { state: 'Succeeded', status: { diskState }, revokesGrants: true }
}

function busyProblems({ type, state, status, name }: Stored<Disk>): readonly Problem[] {
  return [
    ...unless(
      isFinal(state),
      'Conflict',
      wordOf({ type }),
      `'${name}' is being changed (${state}). Retry when its provisioningState is Succeeded.`,
    ),
    ...unless(
      status.uploadExpired !== true,
      'Conflict',
      wordOf({ type }),
      `The upload of '${name}' was given up, since nothing was written for long, and what it had is being cleared away. Retry in a moment.`,
    ),
  ]
}
