import { z } from 'zod'
import { limits } from '../../domain/limits.ts'
import type { ResourceRow } from '../../domain/rows.ts'
import { parseSpaceId } from '../../domain/spaces.ts'
import { stageRuns } from '../../regions/staging.ts'
import { stagingOf } from '../../resources/pending-content.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest } from './blob-request.ts'
import { keptContent, refuseDamaged } from './kept-content.ts'
import { readParts } from './page-body.ts'

const { chunkBytes } = limits
const sectorBytes = 512
const bodyBytesMax = 256 * 1024

const Bytes = z.int().min(0)
const Body = z.object({
  runs: z
    .array(z.object({ offset: Bytes, length: z.int().min(sectorBytes), from: Bytes }))
    .min(1)
    .max(limits.stagedRunsMax),
})
type Run = z.infer<typeof Body>['runs'][number]

/**
 * Bytes of another disk become bytes of this upload, by their places: nothing is sent. The other disk is named by a read
 * SAS: who may read it may say so. Answered once the image that they lie in is kept.
 */
export async function answerPutChunks(request: BlobRequest): Promise<Response> {
  const { raw, disk, plane, grant, world } = request
  const staging = stagingOf(disk)
  if (!staging) throw new BlobError('AuthorizationPermissionMismatch', 'This disk takes no upload.')
  const runs = await readRuns(raw)
  const source = await openSource(request)
  checkRuns(runs, { uploadBytes: staging.sizeBytes, sourceBytes: source.virtualSizeBytes })
  const region = parseSpaceId(staging.space)?.region
  const spaces = source.spaces.filter((space) => parseSpaceId(space)?.region === region)
  if (spaces.length === 0) {
    throw new BlobError(
      'InvalidInput',
      `x-ms-copy-source lies in another region than this upload (${region}). Name a disk of the same region.`,
    )
  }
  const isKept = await stageRuns(plane, {
    ...staging,
    image: source.image,
    spaces,
    runs: runs.map(({ offset, length, from }) => {
      return { offsetBytes: offset, lengthBytes: length, fromBytes: from }
    }),
    grants: [grant.id, source.grant],
  })
  if (!isKept) {
    throw new BlobError('CannotVerifyCopySource', 'An access was revoked, or the source is gone.')
  }
  return new Response(null, {
    status: 201,
    headers: { 'last-modified': world.now().toUTCString() },
  })
}

async function readRuns(raw: Request): Promise<readonly Run[]> {
  const text = (await readParts(raw, bodyBytesMax)).toString('utf8')
  const { data, error } = Body.safeParse(jsonIn(text))
  if (data) return data.runs
  const [issue] = error.issues
  throw new BlobError('InvalidInput', `${nameOf(issue?.path ?? [])}: ${issue?.message}`)
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new BlobError('InvalidInput', 'The body is not JSON.')
  }
}

/** `runs[3].from` */
function nameOf(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
  return parts.join('').replace(/^\./, '') || 'The body'
}

type Bounds = { readonly uploadBytes: number; readonly sourceBytes: number }

function checkRuns(runs: readonly Run[], { uploadBytes, sourceBytes }: Bounds): void {
  // The last chunk of a disk goes on with zeros.
  const sourceEnd = Math.ceil(sourceBytes / chunkBytes) * chunkBytes
  let endBytes = 0
  let toldBytes = 0
  for (const [at, { offset, length, from }] of runs.entries()) {
    const problem = (field: keyof Run, why: string): BlobError =>
      new BlobError('InvalidInput', `runs[${at}].${field}: ${why}`)
    if (offset % chunkBytes !== 0) throw problem('offset', `must be a multiple of ${chunkBytes}.`)
    if (from % chunkBytes !== 0) throw problem('from', `must be a multiple of ${chunkBytes}.`)
    if (length % sectorBytes !== 0) throw problem('length', `must be a multiple of ${sectorBytes}.`)
    if (offset < endBytes) throw problem('offset', 'runs ascend and do not overlap.')
    endBytes = offset + length
    toldBytes += length
    if (endBytes > uploadBytes)
      throw problem('length', `reaches behind the ${uploadBytes} bytes that uploadSizeBytes named.`)
    if (from + length > sourceEnd)
      throw problem('from', `reaches behind the ${sourceBytes} bytes of the source.`)
    if (toldBytes > limits.stagedRunsBytesMax)
      throw problem('length', `one request tells of ${limits.stagedRunsBytesMax} bytes at most.`)
  }
}

/** One answer for all that is wrong with it: it tells nothing of what exists. */
async function openSource({ raw, sas, store, world }: BlobRequest) {
  const refused = new BlobError(
    'CannotVerifyCopySource',
    'x-ms-copy-source must be the read SAS of a disk of this installation that has content, alive and not revoked.',
  )
  const url = URL.parse(raw.headers.get('x-ms-copy-source') ?? '')
  const id = /^\/md-disks\/([^/]+)\//.exec(url?.pathname ?? '')?.[1]
  if (!url || id === undefined) throw refused
  if (!sas.isSigned(id, url.searchParams.get('sig') ?? undefined)) throw refused
  const grant = await store.read.sas.get(id)
  const disk = grant && (await store.read.resources.get(grant.key))
  const isAlive = grant?.access === 'Read' && grant.expiresMs > world.now().getTime()
  if (!disk || !isAlive || !isOneDisk(disk)) throw refused
  const content = await keptContent(store, disk)
  if (!content) throw refused
  await refuseDamaged(store, disk)
  return { ...content, grant: id }
}

/** A SAS of anything else may stand for a part of it. */
function isOneDisk({ type, state }: ResourceRow): boolean {
  return /^microsoft\.compute\/(disks|snapshots)$/i.test(type) && state !== 'Deleting'
}
