import { mustBeAllowed } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { mustBeUnlocked } from '../domain/locks.ts'
import { parseResourceId, type ResourceId } from '../domain/resource-id.ts'
import type { ResourceRow } from '../domain/rows.ts'
import type { BlobContainer } from '../domain/stored-blobs.ts'
import { accountSpaceOf, isContainerName } from '../resources/storage-account.ts'
import type { Rows, Store } from '../store/store.ts'
import { loadAbove, resourceNotFound } from './front-door.ts'
import type { Asked, Providers } from './ports.ts'

const type = 'Microsoft.Storage/storageAccounts/blobServices/containers'

type Making = Pick<Providers, 'world'> & { readonly store: Pick<Store, 'write'> }

/**
 * Makes a container; undefined when its name is taken, or the account is gone. Whoever holds the account's row keeps it from
 * being deleted meanwhile. `id`: the container's id over ARM, where locks are asked; clients of blobs pass them by, as in
 * Azure. Throws ScopeLocked.
 */
export async function addContainer(
  { store, world }: Making,
  account: ResourceRow,
  { name, metadata, id }: Pick<BlobContainer, 'name' | 'metadata'> & { readonly id?: string },
): Promise<Omit<BlobContainer, 'id'> | undefined> {
  const nowMs = world.now().getTime()
  const container = {
    account: account.key,
    name,
    space: accountSpaceOf(account),
    metadata,
    etag: `0x${world.id().replaceAll('-', '').slice(0, 16).toUpperCase()}`,
    createdMs: nowMs,
    updatedMs: nowMs,
  }
  const isNew = await store.write(async (rows) => {
    if (id !== undefined) await mustBeUnlocked(rows.locks, 'write', id)
    const row = await rows.resources.lock(account.key)
    return row && row.state !== 'Deleting' ? await rows.blobs.addContainer(container) : false
  })
  return isNew ? container : undefined
}

/** A container that is locked goes with its blobs; false while somebody reads one of them. */
export async function removeContainer(rows: Rows, container: BlobContainer): Promise<boolean> {
  const { account, id, name } = container
  if ((await rows.blobs.readerIn(account, id)) !== undefined) return false
  await rows.blobs.removeContainers(account, name)
  return true
}

/** One page of the containers of an account, over ARM; `after` is the last name of the page before. */
export async function listContainers(
  providers: Providers,
  { caller }: Asked,
  id: ResourceId,
  after: string | undefined,
): Promise<{ readonly containers: readonly BlobContainer[]; readonly next: string | undefined }> {
  mustBeAllowed(caller, `${type}/read`, id.text)
  const account = await accountOf(providers, id)
  const page = { prefix: '', after, rowsMax: limits.pageRows + 1 }
  const found = await providers.store.read.blobs.containers(account.key, page)
  const containers = found.slice(0, limits.pageRows)
  return {
    containers,
    next: found.length > containers.length ? containers.at(-1)?.name : undefined,
  }
}

export async function readContainer(
  providers: Providers,
  { caller }: Asked,
  id: ResourceId,
): Promise<BlobContainer> {
  mustBeAllowed(caller, `${type}/read`, id.text)
  const account = await accountOf(providers, id)
  const container = await providers.store.read.blobs.container(account.key, id.name)
  if (container) return container
  throw resourceNotFound(id)
}

/** Makes it, or changes its metadata. */
export async function writeContainer(
  providers: Providers,
  { caller }: Asked,
  id: ResourceId,
  metadata: Readonly<Record<string, string>> | undefined,
): Promise<{ readonly container: Omit<BlobContainer, 'id'>; readonly created: boolean }> {
  mustBeAllowed(caller, `${type}/write`, id.text)
  const account = await accountOf(providers, id)
  if (!isContainerName(id.name)) {
    throw new ArmError(
      'InvalidParameter',
      `'${id.name}' cannot be the name of a container: 3 to 63 lower-case letters, digits and single hyphens between them.`,
      'containerName',
    )
  }
  const made = await addContainer(providers, account, {
    name: id.name,
    metadata: metadata ?? {},
    id: id.text,
  })
  if (made) return { container: made, created: true }
  const { store, world } = providers
  const changed = await store.write(async (rows) => {
    await mustBeUnlocked(rows.locks, 'write', id.text)
    const held = await rows.blobs.lockContainer(account.key, id.name)
    if (!held || metadata === undefined) return held
    const updated = { ...held, metadata, updatedMs: world.now().getTime() }
    await rows.blobs.updateContainer(updated)
    return updated
  })
  if (changed) return { container: changed, created: false }
  throw new ArmError('Conflict', `'${id.name}' changed at the same time. Retry the request.`)
}

/** False when it was not there. */
export async function deleteContainer(
  providers: Providers,
  { caller }: Asked,
  id: ResourceId,
): Promise<boolean> {
  mustBeAllowed(caller, `${type}/delete`, id.text)
  const account = await accountOf(providers, id)
  return await providers.store.write(async (rows) => {
    await mustBeUnlocked(rows.locks, 'delete', id.text)
    const container = await rows.blobs.lockContainer(account.key, id.name)
    if (!container) return false
    if (await removeContainer(rows, container)) return true
    throw new ArmError(
      'Conflict',
      `A resource is being made from a blob of '${id.name}'. Delete the container when that is done.`,
    )
  })
}

/** The account above `…/blobServices/default[/containers/{name}]`. Throws what the front door says. */
export async function accountOf(providers: Providers, id: ResourceId): Promise<ResourceRow> {
  const [text = ''] = id.text.split(/\/blobServices/i)
  const account = parseResourceId(text)
  if (!account) throw resourceNotFound(id)
  const { own } = await loadAbove(providers, providers.store.read, account)
  if (own && own.deletedMs === undefined && own.state !== 'Deleting') return own
  throw resourceNotFound(account)
}
