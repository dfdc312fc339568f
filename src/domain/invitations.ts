import { createHash } from 'node:crypto'
import type { User } from './principals.ts'

/** What a guest was sent and has not used yet. Its link names a ticket of which only the hash is kept. */
export type Invitation = {
  /** A GUID, lower case. */
  readonly id: string
  readonly tenantId: string
  /** The guest's object id in that tenant. */
  readonly userId: string
  readonly mail: string
  /** Where he goes once he has accepted. */
  readonly redirectUrl: string | undefined
  /** `ticketHash` of the link's ticket. */
  readonly tokenHash: string
  readonly createdMs: number
  readonly createdBy: string
  /** Good for nothing from here on. */
  readonly expiresMs: number
}

/** How somebody who accepts signs in from then on: with a password of his own here, or as whom he is at home. */
export type Acceptance =
  | { readonly passwordHash: string }
  | { readonly homeId: string; readonly homeTenantId: string }

export type InvitationRows = {
  /**
   * Invites the guest: the one that there was for him is void. `made`: he is new in the directory; `kept`: he is there
   * already and stays as he is; `accepted`: he came already; `named`: a member has his principal name; `full`: there are
   * too many. Nothing is written in the last three.
   */
  put(invitation: Invitation, guest: User): Promise<'made' | 'kept' | 'accepted' | 'named' | 'full'>
  /** One page by id of those of a tenant, those that ran out among them. */
  find(query: {
    readonly tenantId: string
    readonly after: string | undefined
    readonly rowsMax: number
  }): Promise<readonly Invitation[]>
  /** What the link with this ticket is good for at this instant; undefined for one that was used, revoked or ran out. */
  open(
    tokenHash: string,
    nowMs: number,
  ): Promise<{ readonly invitation: Invitation; readonly guest: User } | undefined>
  /** Accepts it, once: whoever comes second gets undefined, as does one who comes too late. */
  redeem(tokenHash: string, nowMs: number, how: Acceptance): Promise<User | undefined>
  /** Its link is good for nothing any more; a guest who never came goes with it. What it was. */
  revoke(tenantId: string, id: string, lastOf: string): Promise<Invitation | undefined>
}

/** What is kept of a link's ticket. */
export function ticketHash(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url')
}

/** The page on which a guest accepts; the issuer of the tenant serves it. */
export function redeemUrl(baseUrl: string, tenantId: string, ticket: string): string {
  return `${baseUrl}/${tenantId}/redeem?ticket=${ticket}`
}
