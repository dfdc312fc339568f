import type { BlobContainer } from '../../domain/stored-blobs.ts'
import { addContainer, removeContainer } from '../../providers/blob-containers.ts'
import { BlobError } from '../storage/blob-error.ts'
import { type Asked, freshEtag } from './asked.ts'
import { containerNotFound } from './change-blob.ts'
import { checkConditions } from './conditions.ts'
import { metadataIn, metaHeaders } from './facts.ts'
import { created } from './put-blob.ts'
import { xmlAnswer } from './xml.ts'

const nameOf = ({ place }: Asked): string => place.container ?? ''

export async function createContainer(asked: Asked): Promise<Response> {
  refusePublic(asked.raw.headers)
  const metadata = metadataIn(asked.raw.headers)
  const made = await addContainer(asked, asked.account, { name: nameOf(asked), metadata })
  if (made) return created(datesOf(made))
  throw new BlobError('ContainerAlreadyExists', 'The specified container already exists.')
}

function refusePublic(headers: Headers): void {
  if (!headers.has('x-ms-blob-public-access')) return
  throw new BlobError(
    'PublicAccessNotPermitted',
    'Public access is not permitted on this storage account: whoever reads has a key, a SAS or a token. Leave out x-ms-blob-public-access.',
  )
}

export async function findContainer({ store, account, place }: Asked): Promise<BlobContainer> {
  const container = await store.read.blobs.container(account.key, place.container ?? '')
  if (container) return container
  throw containerNotFound()
}

export async function getContainer(asked: Asked): Promise<Response> {
  const container = await findContainer(asked)
  checkConditions({ headers: asked.raw.headers, method: 'PUT' }, container)
  const headers = {
    ...datesOf(container),
    ...metaHeaders(container.metadata),
    'x-ms-lease-status': 'unlocked',
    'x-ms-lease-state': 'available',
    'x-ms-has-immutability-policy': 'false',
    'x-ms-has-legal-hold': 'false',
  }
  return new Response(null, { status: 200, headers })
}

export async function setContainerMetadata(asked: Asked): Promise<Response> {
  const { raw, world } = asked
  const metadata = metadataIn(raw.headers)
  const changed = await changeContainer(asked, async (rows, container) => {
    const updated = {
      ...container,
      metadata,
      etag: freshEtag(asked),
      updatedMs: world.now().getTime(),
    }
    await rows.blobs.updateContainer(updated)
    return updated
  })
  return new Response(null, { status: 200, headers: datesOf(changed) })
}

/** Its blobs are dropped later, and are gone for everybody at once. */
export async function deleteContainer(asked: Asked): Promise<Response> {
  await changeContainer(asked, async (rows, container) => {
    if (await removeContainer(rows, container)) return container
    throw new BlobError(
      'LeaseIdMissing',
      'There is currently a lease on a blob of the container: a resource is being made from it. Delete it when that is done.',
    )
  })
  return new Response(null, { status: 202 })
}

type Rows = Parameters<Parameters<Asked['store']['write']>[0]>[0]

async function changeContainer(
  asked: Asked,
  act: (rows: Rows, container: BlobContainer) => Promise<BlobContainer>,
): Promise<BlobContainer> {
  return await asked.store.write(async (rows) => {
    const container = await rows.blobs.lockContainer(asked.account.key, nameOf(asked))
    if (!container) throw containerNotFound()
    checkConditions({ headers: asked.raw.headers, method: 'PUT' }, container)
    return await act(rows, container)
  })
}

/** Containers are private, and have no stored policies. */
export async function getAcl(asked: Asked): Promise<Response> {
  return xmlAnswer('<SignedIdentifiers />', datesOf(await findContainer(asked)))
}

export async function setAcl(asked: Asked): Promise<Response> {
  refusePublic(asked.raw.headers)
  if (Number(asked.raw.headers.get('content-length') ?? 0) > policyFreeBytes) {
    throw new BlobError(
      'FeatureNotSupported',
      'Stored access policies are not kept here. Sign each SAS with its own permissions and expiry.',
    )
  }
  return new Response(null, { status: 200, headers: datesOf(await findContainer(asked)) })
}

/** A list of no policies, as clients write it. */
const policyFreeBytes = 128

function datesOf({ etag, updatedMs }: Pick<BlobContainer, 'etag' | 'updatedMs'>) {
  return { etag: `"${etag}"`, 'last-modified': new Date(updatedMs).toUTCString() }
}
