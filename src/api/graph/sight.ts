import type { DirectoryPorts } from '../../access/directory-ports.ts'
import type { Caller } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'

/** What of the directory a caller sees: all of it, or these objects. */
export type Sight = 'all' | readonly string[]

/**
 * Everybody of the directory sees it, and who may write it though an issuer elsewhere names him; a guest sees himself and
 * the groups that he is in. Throws AuthorizationFailed for
 * who is not in it any more, or disabled: a token may outlive that.
 */
export async function sightOf(ports: DirectoryPorts, caller: Caller): Promise<Sight> {
  const { principalId } = caller
  const one = { wanted: [], ids: [principalId], after: undefined, rowsMax: 1 }
  const [user] = await ports.users.find(one)
  if (user?.isEnabled && user.guest?.state !== 'PendingAcceptance') {
    if (user.kind === 'Member') return 'all'
    return [user.id, ...(await ports.members.above(user.id, 'throughAll'))]
  }
  const [application] = await ports.registrations.find(one)
  if (application?.isEnabled && application.isPrincipal) return 'all'
  if (caller.may('Vitrine.Directory/users/write', '/')) return 'all'
  throw new ArmError('AuthorizationFailed', 'Insufficient privileges to complete the operation.')
}

export function sees(sight: Sight, id: string): boolean {
  return sight === 'all' || sight.includes(id.toLowerCase())
}

/** Of `ids`, or of all when there are none, those that are seen; undefined for no bound. */
export function within(sight: Sight, ids?: readonly string[]): readonly string[] | undefined {
  if (sight === 'all') return ids
  return ids === undefined ? sight : ids.filter((id) => sees(sight, id))
}
