import { mustBeAllowed } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import type { ResourceId } from '../../domain/resource-id.ts'
import type { Json, JsonObject } from '../../domain/rows.ts'
import type { BlobContainer } from '../../domain/stored-blobs.ts'
import {
  accountOf,
  deleteContainer,
  listContainers,
  readContainer,
  writeContainer,
} from '../../providers/blob-containers.ts'
import { storageApiVersions } from '../../resources/api-versions.ts'
import { isObject, valueAt } from '../../resources/paths.ts'
import { type Answer, type ArmRequest, listAnswer, notAllowed } from './answer.ts'
import { mustHaveApiVersion } from './api-version.ts'

const service = 'Microsoft.Storage/storageAccounts/blobServices'

/** True for what hangs on an account's blob service: `…/blobServices/default`, its containers. */
export function isAccountPart(type: string): boolean {
  return /^microsoft\.storage\/storageaccounts\/blobservices(\/containers)?$/i.test(type)
}

/** The blob service of an account, and one of its containers: rows of their own, not resources. */
export function answerPart(request: ArmRequest, id: ResourceId): Promise<Answer> {
  mustKnow(request)
  return /containers$/i.test(id.type) ? answerContainer(request, id) : answerDefault(request, id)
}

/** `…/blobServices`, `…/blobServices/default/containers`. */
export async function answerPartList(request: ArmRequest, id: ResourceId): Promise<Answer> {
  mustKnow(request)
  if (request.method !== 'GET') throw notAllowed(request.method)
  const { providers, asked, query } = request
  if (!isAccountPart(id.type)) {
    const shown = await answerDefault(request, { ...id, text: `${id.text}/blobServices/default` })
    return { status: 200, body: { value: [shown.body] } }
  }
  const skip = query.get('$skiptoken')
  const after = skip === undefined ? undefined : Buffer.from(skip, 'base64url').toString('utf8')
  const { containers, next } = await listContainers(providers, asked, id, after)
  const texts = containers.map((each) =>
    JSON.stringify(shownContainer(`${id.text}/containers`, each)),
  )
  const cursor = next === undefined ? undefined : Buffer.from(next).toString('base64url')
  return listAnswer(request, texts, cursor)
}

function mustKnow({ asked }: ArmRequest): void {
  mustHaveApiVersion({ type: service, apiVersions: storageApiVersions }, asked.apiVersion)
}

/** Nothing of it can be turned on: what is asked for is judged, and what is so already is answered. */
async function answerDefault(request: ArmRequest, id: ResourceId): Promise<Answer> {
  const { providers, asked, method } = request
  if (method !== 'GET' && method !== 'PUT') throw notAllowed(method)
  const verb = method === 'GET' ? 'read' : 'write'
  mustBeAllowed(asked.caller, `${service}/${verb}`, id.text)
  const account = await accountOf(providers, id)
  if (method === 'PUT') refuseFeatures(await request.json())
  const body = {
    id: `${account.id}/blobServices/default`,
    name: 'default',
    type: service,
    sku: account.doc.sku ?? null,
    properties: {
      cors: { corsRules: [] },
      deleteRetentionPolicy: { enabled: false },
      containerDeleteRetentionPolicy: { enabled: false },
    },
  }
  return { status: 200, body }
}

const features = [
  'changeFeed.enabled',
  'containerDeleteRetentionPolicy.enabled',
  'deleteRetentionPolicy.enabled',
  'isVersioningEnabled',
  'lastAccessTimeTrackingPolicy.enable',
  'restorePolicy.enabled',
]

function refuseFeatures(body: Readonly<Record<string, unknown>>): void {
  const properties = isObject(body.properties) ? body.properties : {}
  const on = features.find((path) => valueAt(properties, path) === true)
  if (on === undefined) return
  const name = `blobService.properties.${on}`
  throw new ArmError(
    'InvalidParameter',
    `${name} is not available here: leave it out, or send false.`,
    name,
  )
}

async function answerContainer(request: ArmRequest, id: ResourceId): Promise<Answer> {
  const { providers, asked, method } = request
  const above = id.text.split('/').slice(0, -1).join('/')
  switch (method) {
    case 'GET':
      return { status: 200, body: shownContainer(above, await readContainer(providers, asked, id)) }
    case 'PUT':
    case 'PATCH': {
      if (method === 'PATCH') await readContainer(providers, asked, id)
      const metadata = metadataIn(await request.json())
      const { container, created } = await writeContainer(providers, asked, id, metadata)
      return { status: created ? 201 : 200, body: shownContainer(above, container) }
    }
    case 'DELETE':
      return { status: (await deleteContainer(providers, asked, id)) ? 200 : 204 }
    default:
      throw notAllowed(method)
  }
}

/** Throws InvalidParameter for what containers cannot be here. */
function metadataIn(
  body: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> | undefined {
  const properties = isObject(body.properties) ? body.properties : {}
  const access = properties.publicAccess
  if (access !== undefined && access !== null && access !== 'None') {
    throw new ArmError(
      'InvalidParameter',
      'Public access is not permitted on this storage account: whoever reads has a key, a SAS or a token. Use publicAccess None.',
      'container.properties.publicAccess',
    )
  }
  const { metadata } = properties
  if (metadata === undefined || metadata === null) return undefined
  const isText = ([name, value]: [string, Json]) =>
    typeof value === 'string' &&
    /^[a-z_]\w{0,1023}$/i.test(name) &&
    /^[\x20-\x7e]{0,1024}$/.test(value)
  const entries = isObject(metadata) ? Object.entries(metadata) : []
  if (isObject(metadata) && entries.length <= 8 && entries.every(isText)) {
    return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]))
  }
  throw new ArmError(
    'InvalidParameter',
    'metadata has at most 8 members here, each a name of letters, digits and underscores with a text of printable ASCII.',
    'container.properties.metadata',
  )
}

function shownContainer(above: string, container: Omit<BlobContainer, 'id'>): JsonObject {
  const { name, etag, metadata, updatedMs } = container
  return {
    id: `${above}/${name}`,
    name,
    type: `${service}/containers`,
    etag: `"${etag}"`,
    properties: {
      deleted: false,
      remainingRetentionDays: 0,
      defaultEncryptionScope: '$account-encryption-key',
      denyEncryptionScopeOverride: false,
      publicAccess: 'None',
      leaseStatus: 'Unlocked',
      leaseState: 'Available',
      lastModifiedTime: new Date(updatedMs).toISOString(),
      hasImmutabilityPolicy: false,
      hasLegalHold: false,
      ...(Object.keys(metadata).length > 0 && { metadata }),
    },
  }
}
