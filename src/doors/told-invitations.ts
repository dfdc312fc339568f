import type { World } from '../base/world.ts'
import { tellAs } from '../domain/audit.ts'
import type { InvitationRows } from '../domain/invitations.ts'
import type { Store } from '../store/store.ts'

/** What the page of an invitation does, told in the name of the guest who accepts. */
export function toldInvitations(
  { open }: InvitationRows,
  directoryFor: Store['directoryFor'],
  world: World,
): Pick<InvitationRows, 'open' | 'redeem'> {
  const redeem: InvitationRows['redeem'] = async (tokenHash, nowMs, how) => {
    const found = await open(tokenHash, nowMs)
    if (!found) return undefined
    const { id: principalId, principalName: name, tenantId } = found.guest
    const auditor = { tenantId, principalId, name, correlationId: world.id() }
    const { invitations } = directoryFor(tellAs(auditor, world), tenantId)
    return invitations.redeem(tokenHash, nowMs, how)
  }
  return { open, redeem }
}
