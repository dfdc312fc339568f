import { auditorOf, tellAs } from '../domain/audit.ts'
import { ArmError } from '../domain/errors.ts'
import type { Share } from '../domain/shares.ts'
import { claimOfUniqueName } from '../resources/gallery.ts'
import type { Asked, Providers } from './ports.ts'

/**
 * A subscription or tenant rejects what is shared to it, or takes it back: what is rejected is as if it were not shared,
 * until it is accepted, or shared anew. Throws NotFound when it is not shared to it at all.
 */
export async function decideShare(
  { store, world }: Pick<Providers, 'store' | 'world'>,
  { caller, correlationId }: Asked,
  decided: {
    /** The subscription of the gallery. */
    readonly owner: string
    /** Its name or unique name. */
    readonly gallery: string
    readonly share: Share
    readonly isRejected: boolean
    readonly action: string
    readonly scope: string
  },
): Promise<void> {
  const { owner, gallery, share, isRejected, action, scope } = decided
  const prefix = `${owner}-`.toLowerCase()
  const uniqueName = gallery.toLowerCase().startsWith(prefix) ? gallery : `${owner}-${gallery}`
  const claim = claimOfUniqueName(uniqueName)
  const tell = tellAs(auditorOf(caller, correlationId), world)
  const found = await store.write(async (rows) => {
    const key = claim && (await rows.claims.holderOf(claim))
    if (!key || !(await rows.shares.decide(key, share, isRejected))) return false
    await rows.audit.add([tell({ action, scope, about: { gallery: uniqueName, ...share } })])
    return true
  })
  if (found) return
  throw new ArmError(
    'NotFound',
    `No gallery '${uniqueName}' is shared to ${share.kind.toLowerCase()} '${share.target}'.`,
  )
}
