import { BlobError } from '../storage/blob-error.ts'
import type { Asked, AskedBlob } from './asked.ts'
import type { Needs } from './authorise.ts'
import { getBlockList, putBlock, putBlockList } from './blocks.ts'
import { deleteBlob, getMetadata, setMetadata, setProperties } from './change-facts.ts'
import {
  createContainer,
  deleteContainer,
  getAcl,
  getContainer,
  setAcl,
  setContainerMetadata,
} from './containers.ts'
import { abortCopy, copyBlob, putBlockFromUrl, putPageFromUrl } from './copy.ts'
import { listBlobs, listContainers } from './lists.ts'
import { answerPutPage } from './pages.ts'
import type { Place } from './place.ts'
import { putBlob } from './put-blob.ts'
import { answerPageRanges, getBlob } from './read-blob.ts'
import { accountInfo, serviceProperties } from './service.ts'

export type Operation = Needs & {
  run(asked: Asked): Promise<Response> | Response
}

const container = (letters: string, verb: string, run: Operation['run']): Operation => ({
  level: 'c',
  letters,
  action: `containers/${verb}`,
  run,
})

const blob = (
  letters: string,
  verb: string,
  run: (asked: AskedBlob) => Promise<Response>,
): Operation => ({
  level: 'o',
  letters,
  action: `containers/blobs/${verb}`,
  run: (asked) => run(onBlob(asked)),
})

function onBlob(asked: Asked): AskedBlob {
  const { container: inside = '', blob: name = '', account } = asked.place
  return { ...asked, place: { account, container: inside, blob: name } }
}

const anyLetter = 'rwdlacupxyfti'

/** By method, `restype` and `comp`, and what the path names: what is served, and what it takes. */
const ofService: Readonly<Record<string, Operation>> = {
  'GET list': { level: 's', letters: 'l', action: 'containers/read', run: listContainers },
  'GET service properties': { level: 's', letters: 'r', action: 'read', run: serviceProperties },
  'GET account properties': { level: 's', letters: anyLetter, action: 'read', run: accountInfo },
}

const ofContainer: Readonly<Record<string, Operation>> = {
  'PUT container': container('cw', 'write', createContainer),
  'GET container': container('r', 'read', getContainer),
  'DELETE container': container('d', 'delete', deleteContainer),
  'GET container metadata': container('r', 'read', getContainer),
  'PUT container metadata': container('w', 'write', setContainerMetadata),
  'GET container acl': container('', 'read', getAcl),
  'PUT container acl': container('', 'write', setAcl),
  'GET container list': { ...container('l', 'blobs/read', listBlobs), level: 'c' },
  'GET account properties': container(anyLetter, 'read', accountInfo),
}

const ofBlob: Readonly<Record<string, Operation>> = {
  PUT: blob('wc', 'write', putBlob),
  GET: blob('r', 'read', getBlob),
  DELETE: blob('d', 'delete', deleteBlob),
  'PUT copy': blob('w', 'write', abortCopy),
  'PUT page': blob('w', 'write', answerPutPage),
  'GET pagelist': blob('r', 'read', answerPageRanges),
  'PUT block': blob('wc', 'write', putBlock),
  'PUT blocklist': blob('wc', 'write', putBlockList),
  'GET blocklist': blob('r', 'read', getBlockList),
  'PUT properties': blob('w', 'write', setProperties),
  'PUT metadata': blob('w', 'write', setMetadata),
  'GET metadata': blob('r', 'read', getMetadata),
  'GET account properties': blob(anyLetter, 'read', async (asked) => accountInfo(asked)),
}

/** The same requests with `x-ms-copy-source`. */
const fromUrl: Readonly<Record<string, Operation>> = {
  PUT: blob('wc', 'write', copyBlob),
  'PUT page': blob('w', 'write', putPageFromUrl),
  'PUT block': blob('wc', 'write', putBlockFromUrl),
}

/** All that is served, by what the path names. */
export const blobOperations = { service: ofService, container: ofContainer, blob: ofBlob, fromUrl }

/** Throws for what is not served, by its name. */
export function operationOf(raw: Request, url: URL, place: Place): Operation {
  const get = (name: string) => url.searchParams.get(name)?.toLowerCase() ?? ''
  const method = raw.method === 'HEAD' ? 'GET' : raw.method
  const key = [method, get('restype'), get('comp')].filter((part) => part !== '').join(' ')
  const found = tableOf(raw, place)[key]
  if (found) return found
  const why = missing[get('comp')]
  if (why !== undefined) throw new BlobError('FeatureNotSupported', why)
  throw new BlobError(
    'UnsupportedHttpVerb',
    `${key} is not something that ${levelOf(place)} takes here.`,
  )
}

function tableOf(raw: Request, place: Place): Readonly<Record<string, Operation>> {
  if (place.container === undefined) return ofService
  if (place.blob === undefined) return ofContainer
  return raw.method === 'PUT' && raw.headers.has('x-ms-copy-source') ? fromUrl : ofBlob
}

function levelOf({ container: inside, blob: name }: Place): string {
  if (inside === undefined) return 'an account'
  return name === undefined ? 'a container (restype=container)' : 'a blob'
}

/** What Azure has and we do not, by `comp`. */
const missing: Readonly<Record<string, string>> = {
  lease: 'Leases are not given here: two writers are told apart by If-Match.',
  snapshot: 'Blobs have no snapshots here. Copy the blob.',
  tier: 'All blobs are kept alike here: there are no access tiers.',
  tags: 'Blobs have no tags here. Use metadata.',
  undelete: 'What is deleted is gone here.',
  appendblock: 'Append blobs are not available here.',
  batch: 'Requests are not taken in batches here. Send them one by one.',
  blobs: 'Blobs have no tags here, by which they could be found.',
  userdelegationkey: 'User delegation SAS are not given here. Sign with an account key.',
  incrementalcopy: 'Blobs have no snapshots here to copy from.',
  query: 'Blobs are not searched here.',
  stats: 'There is no secondary endpoint here.',
}
