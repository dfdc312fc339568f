import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { invariant } from '../../base/assert.ts'
import { openByteBudget } from '../../base/byte-budget.ts'
import { limits } from '../../domain/limits.ts'
import { admitDisk } from './admit-disk.ts'
import { BlobError, blobErrorResponse } from './blob-error.ts'
import { blobFault, quietly } from './blob-fault.ts'
import type { BlobRequest } from './blob-request.ts'
import { sendRange } from './body-stream.ts'
import { answerDigests, answerNodes } from './digests.ts'
import { openDiskBytes } from './disk-bytes.ts'
import { answerImageFile, type ImagePorts } from './image-file.ts'
import { openOutputs } from './outputs.ts'
import type { NodeEnvironment } from './page-body.ts'
import { answerPageList } from './page-list.ts'
import { answerPutChunks } from './put-chunks.ts'
import { answerPutPage } from './put-page.ts'
import { readRange } from './range.ts'
import { tellDenied } from './tell-denied.ts'

/**
 * The bytes behind signed URLs: the page blob of a disk's SAS, as far as `@azure/storage-blob`, az and azcopy need it, and
 * the disks of versions as files.
 */
export function storageApp(ports: ImagePorts): Hono {
  const app = new Hono()
  const budget = openByteBudget(limits.transferBytesMax, limits.transferWaitersMax)
  const outputs = openOutputs()

  async function respond(
    { req, env }: Context,
    act: (request: Omit<BlobRequest, 'grant' | 'disk'>) => Promise<Response>,
  ): Promise<Response> {
    const { raw } = req
    const requestId = ports.world.id()
    const version = req.header('x-ms-version') ?? '2018-03-28'
    const told = { 'x-ms-request-id': requestId, 'x-ms-version': version }
    const { incoming, outgoing } = (env as NodeEnvironment) ?? {}
    let response: Response
    try {
      const url = new URL(raw.url)
      response = await act({ ...ports, raw, url, incoming, outgoing, told, budget, outputs })
    } catch (error) {
      // Nobody reads this answer: whatever broke did so because its client is gone.
      const world = raw.signal.aborted ? quietly(ports.world) : ports.world
      const fault = blobFault(world, error, requestId)
      tellDenied(ports.refusals, fault, { raw, incoming, requestId })
      response = blobErrorResponse(fault, requestId)
    }
    if (response === RESPONSE_ALREADY_SENT) return response
    for (const [name, value] of Object.entries(told)) response.headers.set(name, value)
    return response
  }

  app.all('/md-disks/:grant/:blob', (context) =>
    respond(context, async (request) => {
      const admitted = await admitDisk(request, context.req.param('grant'))
      return await answer({ ...request, ...admitted })
    }),
  )
  app.all('/vm-images/:grant/:file', (context) =>
    respond(context, (request) =>
      answerImageFile(ports, { ...request, grantId: context.req.param('grant') }),
    ),
  )
  return app
}

/** What `az storage blob upload` begins with. */
const putInstead =
  ": it is there, of its size. Write its pages with Put Page (comp=page), as 'vitrine disk upload', uploadPages of @azure/storage-blob and upload_page of Python's azure-storage-blob do; 'az storage blob upload' makes blobs in storage accounts, and azcopy does so too unless the host begins with md-."

function answer(request: BlobRequest): Promise<Response> {
  const { raw, url, grant } = request
  const component = url.searchParams.get('comp')
  if (raw.method === 'PUT' && (component === 'page' || component === 'chunks')) {
    if (grant.access === 'Write')
      return component === 'page' ? answerPutPage(request) : answerPutChunks(request)
    throw new BlobError('AuthorizationPermissionMismatch', 'This SAS may read, not write.')
  }
  if (raw.method === 'GET' && component === 'pagelist') return answerPageList(request)
  if (raw.method === 'GET' && component === 'digests') return answerDigests(request)
  if (raw.method === 'GET' && component === 'nodes') return answerNodes(request)
  if ((raw.method === 'GET' || raw.method === 'HEAD') && component === null)
    return answerGet(request)
  const asked = `${raw.method}${component ? ` comp=${component}` : ''}`
  const isPut = raw.method === 'PUT' && component === null
  throw new BlobError(
    'UnsupportedHttpVerb',
    `${asked} is not something a disk's blob takes${isPut ? putInstead : '.'}`,
  )
}

async function answerGet(request: BlobRequest): Promise<Response> {
  const { raw } = request
  const bytes = await openDiskBytes(request)
  const range = readRange(raw.headers, bytes.sizeBytes)
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': String(range.lengthBytes),
    etag: bytes.etag,
    'last-modified': new Date(request.disk.updatedMs).toUTCString(),
    'x-ms-blob-type': 'PageBlob',
    'x-ms-blob-sequence-number': '0',
    'x-ms-lease-status': 'unlocked',
    'x-ms-lease-state': 'available',
  }
  if (range.isPart) {
    const last = range.offsetBytes + range.lengthBytes - 1
    headers['content-range'] = `bytes ${range.offsetBytes}-${last}/${bytes.sizeBytes}`
  }
  if (raw.method === 'HEAD') return new Response(null, { status: 200, headers })
  const { outgoing, told } = request
  invariant(outgoing, 'a disk is read over a socket')
  const status = range.isPart ? 206 : 200
  const head = { status, headers: { ...headers, ...told } }
  await sendRange(request, outgoing, { ...head, read: bytes.read, range })
  return RESPONSE_ALREADY_SENT
}
