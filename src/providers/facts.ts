import { remarkFor } from '../domain/access.ts'
import { Denied } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { sameRegion } from '../domain/regions.ts'
import { actionOn, keyOf, parseResourceId, sameType } from '../domain/resource-id.ts'
import type { ReplicaRow, ResourceRow } from '../domain/rows.ts'
import type { SharedImageId } from '../domain/shared-image-id.ts'
import { sharesTo } from '../domain/shares.ts'
import { accountClaim } from '../resources/blob-uri.ts'
import type { Fact, Facts, Need, Settings } from '../resources/declaration.ts'
import { claimOfUniqueName } from '../resources/gallery.ts'
import { isLatestCandidate } from '../resources/image-version.ts'
import type { Rows } from '../store/store.ts'
import type { Asked, Subscription, Target } from './ports.ts'

const nothing: Fact = { row: undefined, replicas: [], placements: [] }

/** Where facts are looked up, and for whom. */
type Looking = {
  readonly rows: Rows
  readonly settings: Settings
  readonly asked: Asked
  readonly target: Target
  readonly subscriptions: readonly Subscription[]
}

/** Reads every fact that the rules asked for. Throws LinkedAuthorizationFailed for one that the caller may not use. */
export async function loadFacts(
  looking: Looking,
  needs: Readonly<Record<string, Need>>,
): Promise<Facts> {
  const facts: Record<string, Fact> = {}
  for (const [name, need] of Object.entries(needs)) facts[name] = await loadFact(looking, need)
  return facts
}

async function loadFact(looking: Looking, need: Need): Promise<Fact> {
  const { rows, asked, target } = looking
  if ('claim' in need) {
    const holder = await rows.claims.holderOf(need.claim)
    return joined(rows, holder === undefined ? undefined : await rows.resources.get(holder))
  }
  if ('blob' in need) return blobFact(looking, need)
  if ('shared' in need) return sharedFact(looking, need)
  const id = 'resource' in need ? need.resource : need.latestOf
  // What is no id is nobody's to guard: the rules say what is wrong with it.
  if (!parseResourceId(id)) return nothing
  mustBeLinked(asked, target, need.linked, id)
  if ('resource' in need) return joined(rows, await rows.resources.get(keyOf(id)))
  return joined(rows, await findLatest(looking, keyOf(id), need.region))
}

/** Blobs of an account that the caller may not use are not looked for. */
async function blobFact(
  { rows, asked, target }: Looking,
  { blob, linked }: Extract<Need, { readonly blob: unknown }>,
): Promise<Fact> {
  const isKey = blob.account.startsWith('/')
  const key = isKey ? blob.account : await rows.claims.holderOf(accountClaim(blob.account))
  if (key === undefined) return nothing
  const { caller } = asked
  if (!caller.mayLink(linked, key)) {
    // Where it lies is not for somebody who knows its name alone.
    const isKnown = isKey || caller.may('Microsoft.Storage/storageAccounts/read', key)
    throw notLinked(asked, target, linked, isKnown ? key : blob.account)
  }
  const fact = await joined(rows, await rows.resources.get(key))
  const found = fact.row && (await rows.blobs.find({ ...blob, account: key }))
  if (!found) return fact
  const { upload, space, sizeBytes, type } = found
  return { ...fact, blob: { upload, space, sizeBytes, blobType: type } }
}

/** What is shared is found by the share alone: no role of the caller's in its own subscription is asked for. */
async function sharedFact(
  looking: Looking,
  { shared, region }: Extract<Need, { readonly shared: unknown }>,
): Promise<Fact> {
  const { rows } = looking
  const gallery = await sharedGalleryKey(looking, shared)
  if (gallery === undefined) return nothing
  const definition = `${gallery}/images/${shared.image.toLowerCase()}`
  if (shared.version === undefined)
    return joined(rows, await findLatest(looking, definition, region))
  const version = `${definition}/versions/${shared.version.toLowerCase()}`
  return joined(rows, await rows.resources.get(version))
}

async function sharedGalleryKey(
  { rows, target, subscriptions }: Looking,
  { via, gallery }: SharedImageId,
): Promise<string | undefined> {
  if (via === 'community') return rows.shares.galleryOf(gallery)
  const subscription = subscriptions.find(({ id }) => keyOf(id) === keyOf(target.id.subscription))
  const claim = claimOfUniqueName(gallery)
  const key = claim && (await rows.claims.holderOf(claim))
  if (!key || !subscription) return undefined
  const { id, tenantId } = subscription
  return (await rows.shares.reaches(key, sharesTo(id, tenantId))) ? key : undefined
}

/**
 * Requirement 25: the highest usable version of the region (of any region when left out) that is not excluded there; read
 * in pages, highest first.
 */
export async function findLatest(
  { rows, settings }: Pick<Looking, 'rows' | 'settings'>,
  definitionKey: string,
  region: string | undefined,
): Promise<ResourceRow | undefined> {
  const type = 'Microsoft.Compute/galleries/images/versions'
  let after: string | undefined
  do {
    const query = { parentKey: definitionKey, type, descending: true, after } as const
    const page = await rows.resources.children({ ...query, rowsMax: limits.pageRows })
    const replicas = await rows.replicas.of(page.rows.map((row) => row.key))
    const found = page.rows.find((row) =>
      usableRegions(replicas, row)
        .filter((usable) => region === undefined || sameRegion(usable, region))
        .some((usable) => isLatestCandidate(row.doc, usable, settings)),
    )
    if (found) return found
    after = page.next
  } while (after !== undefined)
  return undefined
}

function usableRegions(replicas: readonly ReplicaRow[], row: ResourceRow): readonly string[] {
  if (row.state === 'Deleting') return []
  const own = replicas.filter(({ versionKey, usable }) => versionKey === row.key && usable)
  return own.map(({ region }) => region)
}

/** What is being deleted is as good as gone. */
async function joined(rows: Rows, row: ResourceRow | undefined): Promise<Fact> {
  if (!row || row.state === 'Deleting') return nothing
  const isVersion = sameType(row.type, 'Microsoft.Compute/galleries/images/versions')
  return {
    row,
    replicas: isVersion ? await rows.replicas.of([row.key]) : [],
    placements: await rows.placements.ofKeepers([row.key]),
  }
}

function mustBeLinked(asked: Asked, target: Target, action: string, linked: string): void {
  if (!asked.caller.mayLink(action, linked)) throw notLinked(asked, target, action, linked)
}

function notLinked(
  { caller }: Asked,
  { id, type }: Target,
  action: string,
  linked: string,
): Denied {
  return new Denied(
    'LinkedAuthorizationFailed',
    `The client '${caller.name}' with object id '${caller.principalId}' has permission to perform action ` +
      `'${actionOn(type.type, 'write')}' on scope '${id.text}'; however, it does not have permission to perform action ` +
      `'${action}' on the linked scope(s) '${linked}' or the linked scope(s) are invalid.${remarkFor(caller)}`,
    { action, scope: linked },
  )
}
