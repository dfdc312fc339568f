import { lookup } from 'node:dns/promises'
import type { RequestListener } from 'node:http'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { StartError } from './base/start-error.ts'
import type { World } from './base/world.ts'
import type { BlobsAddress } from './blobs/blobs.ts'
import { openBlobs } from './blobs/open-blobs.ts'
import { openChunkIndex } from './chunks/chunk-index.ts'
import { openLanes } from './chunks/lanes.ts'
import { type Config, importPolicyOf, ownRegionsOf, settingsOf, subscriptionsOf } from './config.ts'
import { deployQueue } from './deployments/accept.ts'
import { deploy } from './deployments/deploy.ts'
import type { DeployPorts } from './deployments/ports.ts'
import { installationUrls } from './domain/audiences.ts'
import { Unavailable } from './domain/errors.ts'
import type { Holding, HoldingRows } from './domain/holdings.ts'
import { slowQueues } from './domain/queues.ts'
import type { RegionName } from './domain/regions.ts'
import { sameType } from './domain/resource-id.ts'
import { diskSpace, parseSpaceId, type SpaceId } from './domain/spaces.ts'
import { tenancyOf } from './domain/tenants.ts'
import { closedDoors, openDoors } from './doors/doors.ts'
import type { Foundation } from './foundation.ts'
import { healthOf } from './health.ts'
import { keySignsForMs, openSigningKeys } from './identity/signing-keys.ts'
import type { Processes } from './processes.ts'
import type { Providers } from './providers/ports.ts'
import { openPlane, type Plane } from './regions/plane.ts'
import type { Settings } from './resources/declaration.ts'
import { resourceTypes } from './resources/types.ts'
import { runWork } from './runner/runner.ts'
import type { Work } from './runner/work.ts'
import { bucketsOf, spaceAddress } from './space-address.ts'
import { openSpacePreparation } from './spaces.ts'
import type { Store } from './store/store.ts'
import {
  type DeliverPorts,
  deliverDuty,
  deliverEvents,
  deliverQueue,
} from './work/deliver-events.ts'
import { dropDuties } from './work/drop-uploads.ts'
import { duties } from './work/duties.ts'
import type { WorkPorts } from './work/ports.ts'
import { repairRequest } from './work/repair.ts'
import { workKinds } from './work/work-kinds.ts'

/** Whatever is asked of this machine under these names is asked of us. */
const loopback = ['127.0.0.1', 'localhost', '::1']
/** Rows of work in hand at once: more than lanes, since most of them wait for bytes. */
const workAtOnce = Math.max(4, availableParallelism())
/** Of each class of larger copies: one plans while another moves. */
const slowAtOnce = 2

export type Installation = {
  /** Everything that answers HTTP. */
  readonly app: Hono
  /** What of it is ARM, straight on Node's own requests; undefined in a process that answers no clients. */
  readonly arm: RequestListener | undefined
  readonly store: Store
  readonly plane: Plane
  /** Undefined in a process that answers no clients. */
  readonly owner:
    | { readonly clientId: string; readonly tenantId: string; readonly created: boolean }
    | undefined
  readonly ownerFile: string
  /** Claims and runs work until `close`, when that is a role of this process. */
  startWork(): void
  /** Stops work between two durable points, then closes all files. */
  close(): Promise<void>
}

export type InstallationParts = Foundation & {
  readonly config: Config
  readonly world: World
  /** How clients reach this process. */
  readonly baseUrl: string
  readonly processes: Processes
  readonly watch: Observing
}

/** Hands back what it is given, observed: measured, traced. */
type Observing = {
  store(store: Store): Store
  work(work: Work): Work
  access<Given, Found>(find: (given: Given) => Promise<Found>): (asked: Given) => Promise<Found>
}

/** Builds every room of one process and hands each its ports. */
export async function openInstallation(parts: InstallationParts): Promise<Installation> {
  const { config, world, database, installation, folderId, processes, watch } = parts
  const store = watch.store(database.store)
  const { baseUrl } = parts
  const ownUrls = installationUrls(baseUrl, [...loopback, ...config.hostNames])
  const settings = { ...settingsOf(config), baseUrl, ownUrls }
  const own = ownRegionsOf(config)
  const addressOf = (space: SpaceId): BlobsAddress =>
    isIn(own, space) ? spaceAddress(config, space) : processes.addressOf(space)
  const isWorker = config.roles.includes('worker')
  const among = config.database && { folderId, isWorker }
  const spaces = openSpacePreparation({ store, installation, world, among, addressOf })
  const held = [...(await store.holdings.spaces()), ...(await store.read.blobs.spaces())]
  refuseLostRegions(settings, [...new Set(held)])
  const first = own.map((region) => diskSpace(region).id)
  await spaces.prepareAtStart(first, bucketsOf(config))
  const lanes = openLanes({ count: config.lanes })
  const index = openChunkIndex(join(config.data, 'index.db'))
  const plane = openPlane({
    rows: { ...store.holdings, holdersOf: nearFirst(store, own) },
    uploads: store.uploads,
    addressOf,
    openBlobs,
    lanes,
    index,
    world,
    ...repairAskers(store, own),
    replicationBytesPerSecond: config.replication.bytesPerSecond,
  })
  const findType: Providers['findType'] = (name) =>
    resourceTypes.find((type) => sameType(type.type, name))
  const providers: Providers = {
    store,
    settings,
    ...ownedBy(config),
    world,
    types: resourceTypes,
    findType,
    isAway: processes.isAway,
  }
  const isApi = config.roles.includes('api')
  const doors = isApi
    ? await openDoors({ ...parts, resolve: addressesOf }, { plane, providers, urls: ownUrls })
    : closedDoors(config)
  const { prepare } = spaces
  const bounds = { ...(await boundsOf(parts)), places: spaces, health: healthOf(config, world) }
  const work: WorkPorts = { store, plane, world, settings, findType, prepare, ...bounds }
  const running = openRunning(work, { own, isWorker, doors, holder: database.holder, watch })
  const stopping = new AbortController()
  let preparing: Promise<void> = Promise.resolve()

  function startWork(): void {
    if (isWorker || isApi) running.start()
    preparing = spaces.prepareRest(stopping.signal)
  }

  async function close(): Promise<void> {
    stopping.abort()
    await running.stop()
    await preparing
    await doors.close()
    await lanes.close()
    index.close()
  }

  const { app, arm, owner, ownerFile } = doors
  return { app, arm, owner, ownerFile, store, plane, startWork, close }
}

function ownedBy(config: Config): Pick<Providers, 'subscriptions' | 'tenancy'> {
  const subscriptions = subscriptionsOf(config)
  return { subscriptions, tenancy: tenancyOf(config.tenantId, subscriptions) }
}

/** Only the workers of a region write its spaces. */
function repairAskers(store: Store, own: readonly RegionName[]) {
  async function askHeal(bad: Holding): Promise<void> {
    const nowMs = await store.nowMs()
    await store.write((rows) => rows.work.request([repairRequest(bad)], nowMs))
  }

  async function askRepair(bad: Holding): Promise<boolean> {
    if (isIn(own, bad.space)) return false
    await askHeal(bad)
    return true
  }

  return { askHeal, askRepair }
}

/** How long and from where work takes and keeps things. */
async function boundsOf({ config, secrets, world }: InstallationParts) {
  const keys = await openSigningKeys(secrets, world)
  return {
    imports: importPolicyOf(config, addressesOf),
    sweepHoldMs: config.sweepHoldSeconds * 1000,
    uploadKeptMs: config.uploadDays * 24 * 3_600_000,
    auditKeptMs: config.auditDays * 24 * 3_600_000,
    eventsKeptMs: config.activityLogDays * 24 * 3_600_000,
    rotateKeyWhenDue: () => keys.rotate(keySignsForMs),
  }
}

/** As this machine resolves names. */
async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

/** A region that holds images stays configured: without it nothing could read, move or delete them. */
function refuseLostRegions({ regions }: Settings, held: readonly SpaceId[]): void {
  const lost = held.filter((space) => !regions.find(parseSpaceId(space)?.region ?? ''))
  if (lost.length === 0) return
  throw new StartError(
    `The configuration leaves out regions that hold images or blobs (spaces ${lost.join(', ')}). Add them again, and remove what they hold first.`,
  )
}

/** Of several holders of a pack, those come first that are reached without another process. */
function nearFirst({ holdings }: Store, own: readonly RegionName[]): HoldingRows['holdersOf'] {
  return async (packs, spaces) => {
    const all = await holdings.holdersOf(packs, spaces)
    const isNear = ({ space }: Holding): boolean => isIn(own, space)
    return [...all.filter(isNear), ...all.filter((one) => !isNear(one))]
  }
}

function isIn(regions: readonly RegionName[], space: SpaceId): boolean {
  const region = parseSpaceId(space)?.region
  return region !== undefined && regions.includes(region)
}

/** Works for the regions whose spaces this process reaches, and on rows alone for all of them. */
function openRunning(
  ports: WorkPorts,
  {
    own,
    isWorker,
    doors: { deploying, delivering },
    holder,
    watch,
  }: {
    readonly own: readonly RegionName[]
    readonly isWorker: boolean
    /** Undefined in a process that answers no clients. */
    readonly doors: {
      readonly deploying: DeployPorts | undefined
      readonly delivering: DeliverPorts | undefined
    }
    readonly holder: string
    readonly watch: Observing
  },
) {
  const ofWorkers = isWorker ? ['control', ...own.map((region) => `region:${region}`)] : []
  const queues = [...ofWorkers, ...(deploying ? [deployQueue] : [])]
  const stopping = new AbortController()
  let run: Promise<void> = Promise.resolve()
  const { store, world } = ports

  async function workUntilStopped(): Promise<void> {
    const nowMs = await store.nowMs()
    const recurring = isWorker ? [...duties(own), ...dropDuties(own)] : []
    const delivers = delivering ? [deliverDuty] : []
    await store.write((rows) => rows.work.request([...recurring, ...delivers], nowMs))
    const kinds = [
      ...workKinds.map((kind) => kind(ports)),
      ...(deploying ? [deploy(deploying)] : []),
      ...(delivering ? [deliverEvents(delivering)] : []),
    ]
    const observed = kinds.map((kind) => watch.work(kind))
    const hands = { queues, atOnce: workAtOnce }
    const ofRegions = isWorker ? slowQueues : []
    const slow = ofRegions.map((suffix) => ({
      queues: own.map((region) => `region:${region}${suffix}`),
      atOnce: slowAtOnce,
    }))
    // Its step lasts as long as an endpoint hangs.
    const others = [...slow, ...(delivering ? [{ queues: [deliverQueue], atOnce: 1 }] : [])]
    await runWork({ store, world, kinds: observed, hands, others, holder }, stopping.signal)
  }

  /** A database that is away just now delays the beginning. */
  async function workOnceAnswered(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        return await workUntilStopped()
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        world.log({ level: 'error', event: 'work-not-started', error: String(error) })
        await world.sleep(1_000, stopping.signal).catch(() => undefined)
      }
    }
  }

  return {
    start(): void {
      run = workOnceAnswered()
    },
    async stop(): Promise<void> {
      stopping.abort()
      await run
    },
  }
}
