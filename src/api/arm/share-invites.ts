import { mustBeAllowed } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import type { Share } from '../../domain/shares.ts'
import { findSubscription } from '../../providers/front-door.ts'
import { decideShare } from '../../providers/share-decision.ts'
import { type Answer, type ArmRequest, notAllowed } from './answer.ts'
import { mustHaveApiVersion } from './api-version.ts'
import type { ShareInvite } from './shared-address.ts'

/** The only api-version so far. */
const since = '2025-12-03'

/** Whether a subscription or tenant wants what is shared to it. It does until it says otherwise. */
export async function answerInvite(request: ArmRequest, invite: ShareInvite): Promise<Answer> {
  const { asked, method, providers } = request
  if (method !== 'POST') throw notAllowed(method)
  const list = `${invite.subscription === undefined ? 'tenantLevelS' : 's'}haredGallerySubscriptions`
  const type = `Microsoft.Compute/locations/${list}/sharedGalleries`
  mustHaveApiVersion({ type, apiVersions: [since] }, asked.apiVersion)
  const action = `${type}/${invite.decision}/action`
  const scope = invite.subscription === undefined ? '/' : `/subscriptions/${invite.subscription}`
  mustBeAllowed(asked.caller, action, scope)
  if (!providers.settings.regions.find(invite.location)) {
    throw new ArmError('NotFound', `The location '${invite.location}' is not served here.`)
  }
  const { owner, gallery } = invite
  const share = sharedTo(request, invite)
  await decideShare(providers, asked, {
    owner,
    gallery,
    share,
    action,
    scope,
    isRejected: invite.decision === 'reject',
  })
  return { status: 204 }
}

function sharedTo({ asked, providers }: ArmRequest, { subscription }: ShareInvite): Share {
  if (subscription === undefined) return { kind: 'Tenant', target: asked.caller.tenantId }
  return { kind: 'Subscription', target: findSubscription(providers, subscription).id }
}
