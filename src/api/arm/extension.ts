import { ArmError } from '../../domain/errors.ts'
import { regionName, sameRegion } from '../../domain/regions.ts'
import { sameType } from '../../domain/resource-id.ts'
import type { Json, JsonObject, ReplicaRow } from '../../domain/rows.ts'
import type { Sent } from '../../providers/plan-write.ts'
import { readResource } from '../../providers/read.ts'
import { writeResource } from '../../providers/write.ts'
import type { ResourceType } from '../../resources/declaration.ts'
import { wantedRegions } from '../../resources/image-version.ts'
import { hasSignedUrls } from '../../resources/signed-url.ts'
import { type Answer, notAllowed, type Resourceful, resourceAnswer } from './answer.ts'
import { answerExpired } from './expired-definitions.ts'
import { answerGrants } from './grants.ts'
import { answerHealth, answerVerify } from './health.ts'
import { operationHeaders } from './operations.ts'
import { present } from './present.ts'
import { answerSignedUrls } from './signed-urls.ts'
import { answerSpace } from './space-view.ts'
import { answerWhatIf } from './what-if.ts'

/** The api-version at which a version's document is read and edited here: the newest, so nothing is out of words. */
function newest({ type }: Resourceful): string {
  return type.apiVersions.at(-1) ?? ''
}

type View = {
  /** The types that have it. */
  readonly of: (type: ResourceType) => boolean
  /** Whether something is named below it: always, never, or as it comes. */
  readonly named: boolean | undefined
  readonly run: (request: Resourceful, name: string | undefined) => Promise<Answer>
}

/** What Azure has no field for, by its name in lower case under `{id}/providers/Vitrine.Gallery`. */
export const extensionViews: Readonly<Record<string, View>> = {
  replication: { of: hasReplicas, named: false, run: replication },
  targetregions: { of: hasReplicas, named: true, run: targetRegion },
  whatif: { of: hasReplicas, named: false, run: answerWhatIf },
  space: { of: hasReplicas, named: false, run: answerSpace },
  health: { of: () => true, named: false, run: answerHealth },
  verify: { of: () => true, named: false, run: answerVerify },
  expireddefinitions: { of: isGallery, named: false, run: answerExpired },
  grants: { of: isOfGallery, named: undefined, run: answerGrants },
  signedurls: { of: ({ type }) => hasSignedUrls(type), named: undefined, run: answerSignedUrls },
}

export async function answerExtension(
  request: Resourceful,
  view: string,
  name: string | undefined,
): Promise<Answer> {
  const { type } = request
  const found = Object.hasOwn(extensionViews, view) ? extensionViews[view] : undefined
  const isNamed = name !== undefined
  if (found?.of(type) && isNamed === (found.named ?? isNamed)) return found.run(request, name)
  throw new ArmError('NotFound', `'${type.type}' has nothing under Vitrine.Gallery/${view}.`)
}

function hasReplicas(type: ResourceType): boolean {
  return type.hasReplicas ?? false
}

function isGallery({ type }: ResourceType): boolean {
  return sameType(type, 'Microsoft.Compute/galleries')
}

function isOfGallery({ type }: ResourceType): boolean {
  return /^microsoft\.compute\/galleries(\/images(\/versions)?)?$/i.test(type)
}

/** Progress of every region in bytes, rate and ETA (B3). */
async function replication(request: Resourceful): Promise<Answer> {
  if (request.method !== 'GET') throw notAllowed(request.method)
  const { providers, asked } = request
  const { row, replicas } = await readResource(providers, asked, request, true)
  const wanted = wantedRegions(row.doc, providers.settings)
  const value = replicas.map((replica) => {
    const region = wanted.find((each) => each.region === replica.region)
    return {
      region: replica.region,
      displayName: providers.settings.regions.find(replica.region)?.displayName ?? replica.region,
      state: replica.state,
      usable: replica.usable,
      phase: replica.phase,
      bytesDone: replica.bytesDone,
      bytesTotal: replica.bytesTotal,
      bytesPerSecond: replica.bytesPerSecond,
      etaSeconds: etaSeconds(replica),
      replicas: region?.replicas ?? 0,
      storageAccountType: region?.storageType,
      ...(replica.reason !== undefined && { reason: replica.reason }),
    }
  })
  const { sourceVersion } = row.status
  return { status: 200, body: { value, ...(sourceVersion !== undefined && { sourceVersion }) } }
}

function etaSeconds({ state, bytesDone, bytesTotal, bytesPerSecond }: ReplicaRow): number | null {
  if (state !== 'Replicating' || bytesPerSecond === 0) return null
  return Math.ceil((bytesTotal - bytesDone) / bytesPerSecond)
}

/**
 * PUT or DELETE of one target region (B10): the list is edited where it is stored and planned again when it moved, so
 * that two clients who add different regions both succeed.
 */
async function targetRegion(request: Resourceful, name = ''): Promise<Answer> {
  if (request.method !== 'PUT' && request.method !== 'DELETE') throw notAllowed(request.method)
  const { providers, asked, origin, type } = request
  const atNewest = { ...asked, apiVersion: newest(request) }
  const read = async (): Promise<Sent> => {
    const entry = request.method === 'PUT' ? { ...(await request.json()), name } : undefined
    return { mode: 'edit', body: (stored) => withRegion(stored, name, entry) }
  }
  const { preconditions } = request
  const written = await writeResource(providers, atNewest, request, { read, preconditions })
  const how = { type, apiVersion: atNewest.apiVersion, settings: providers.settings }
  const { row, operation } = written
  const headers = operation
    ? operationHeaders(origin, operation, row, atNewest.apiVersion, ['Azure-AsyncOperation'])
    : {}
  return resourceAnswer(
    row,
    present(written, { ...how, state: type.operations.shows.update }),
    200,
    headers,
  )
}

/** The stored document with one target region set (`entry`) or taken out (undefined). */
function withRegion(
  stored: JsonObject,
  name: string,
  entry: Readonly<Record<string, unknown>> | undefined,
): JsonObject {
  const properties = objectOf(stored.properties)
  const profile = objectOf(properties.publishingProfile)
  const listed = profile.targetRegions
  const before = Array.isArray(listed) ? listed : []
  const isNamed = (each: Json) => sameRegion(String(objectOf(each).name ?? ''), name)
  if (!entry && !before.some(isNamed)) {
    throw new ArmError('NotFound', `'${regionName(name)}' is not a target region of this version.`)
  }
  // The body came from JSON, and the schema judges it.
  const edited = entry ? [entry as JsonObject] : []
  const targetRegions = before.some(isNamed)
    ? before.flatMap((each) => (isNamed(each) ? edited : [each]))
    : [...before, ...edited]
  const publishingProfile = { ...profile, targetRegions }
  return { ...stored, properties: { ...properties, publishingProfile } }
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {}
}
