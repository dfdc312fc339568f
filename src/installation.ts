import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { openAccess } from './access/access.ts'
import { challenge } from './access/challenge.ts'
import { builtInRoles } from './access/roles.ts'
import { openSas } from './access/sas.ts'
import { armApp } from './api/arm/app.ts'
import { signinRoutes } from './api/signin/signin.ts'
import { storageApp } from './api/storage/disk-blob.ts'
import { StartError } from './base/start-error.ts'
import type { World } from './base/world.ts'
import type { BlobsAddress } from './blobs/blobs.ts'
import { openBlobs } from './blobs/open-blobs.ts'
import { openChunkIndex } from './chunks/chunk-index.ts'
import { openLanes } from './chunks/lanes.ts'
import { type Config, settingsOf } from './config.ts'
import { prepareDataFolder } from './data-folder.ts'
import { openDatabase } from './database.ts'
import { armAudiences, graphAudiences, installationUrls } from './domain/audiences.ts'
import { Unavailable } from './domain/errors.ts'
import { regionName } from './domain/regions.ts'
import { sameType } from './domain/resource-id.ts'
import { diskSpace, parseSpaceId, type SpaceId } from './domain/spaces.ts'
import { openIssuer } from './identity/issuer.ts'
import { claimOwnerFile, ensureOwner } from './identity/owner.ts'
import { openInstallationKey, sealSecrets } from './identity/sealed-secrets.ts'
import { openSigningKeys } from './identity/signing-keys.ts'
import type { Providers } from './providers/ports.ts'
import { openPlane, type Plane } from './regions/plane.ts'
import type { Settings } from './resources/declaration.ts'
import { resourceTypes } from './resources/types.ts'
import { runWork } from './runner/runner.ts'
import { bucketsOf, spaceAddress } from './space-address.ts'
import { openSpacePreparation } from './spaces.ts'
import type { Store } from './store/store.ts'
import { convergeRegion } from './work/converge-region.ts'
import { duties, prune, sweep } from './work/duties.ts'
import { ingestDisk } from './work/ingest-disk.ts'
import type { WorkPorts } from './work/ports.ts'
import { publish } from './work/publish.ts'
import { remove } from './work/remove.ts'
import { removeTree } from './work/remove-tree.ts'

/** Rows of work in hand at once: more than lanes, since most of them wait for bytes. */
const workAtOnce = Math.max(4, availableParallelism())

export type Installation = {
  /** Everything that answers HTTP. */
  readonly app: Hono
  readonly store: Store
  readonly plane: Plane
  readonly owner: {
    readonly clientId: string
    readonly tenantId: string
    readonly created: boolean
  }
  readonly ownerFile: string
  /** Claims and runs work until `close`. */
  startWork(): void
  /** Stops work between two durable points, then closes all files. */
  close(): Promise<void>
}

/** Builds every room of one process and hands each its ports. `baseUrl`: how clients reach it. */
export async function openInstallation(
  config: Config,
  world: World,
  baseUrl: string,
): Promise<Installation> {
  await prepareDataFolder(config.data)
  const database = await openDatabase(config, world)
  const { store } = database
  const settings = settingsOf(config)
  const installation = await store.secrets.putIfAbsent('installation-id', world.id())
  const addressOf = (space: SpaceId): BlobsAddress => spaceAddress(config, space)
  const spaces = openSpacePreparation({ store, installation, world, addressOf })
  try {
    refuseLostRegions(settings, await store.holdings.spaces())
    const first = settings.regions.all.map((region) => diskSpace(region.name).id)
    await spaces.prepareAtStart(first, bucketsOf(config))
  } catch (error) {
    await database.close()
    throw error
  }
  const lanes = openLanes({ count: config.lanes })
  const index = openChunkIndex(join(config.data, 'index.db'))
  const plane = openPlane({
    rows: store.holdings,
    uploads: store.uploads,
    addressOf,
    openBlobs,
    lanes,
    index,
    world,
  })
  const findType: Providers['findType'] = (name) =>
    resourceTypes.find((type) => sameType(type.type, name))
  const subscriptions = config.subscriptions.map((each) => ({ ...each, tenantId: config.tenantId }))
  const providers: Providers = {
    store,
    settings,
    subscriptions,
    world,
    types: resourceTypes,
    findType,
  }
  const doors = await openDoors(config, world, store, baseUrl, { plane, providers })
  const sweepHoldMs = config.sweepHoldSeconds * 1000
  const { prepare } = spaces
  const work: WorkPorts = { store, plane, world, settings, findType, prepare, sweepHoldMs }
  const running = openRunning(work, database.holder, queuesOf(config))
  const stopping = new AbortController()
  let preparing: Promise<void> = Promise.resolve()

  function startWork(): void {
    running.start()
    preparing = spaces.prepareRest(stopping.signal)
  }

  async function close(): Promise<void> {
    stopping.abort()
    await running.stop()
    await preparing
    await lanes.close()
    index.close()
    await database.close()
  }

  return { ...doors, store, plane, startWork, close }
}

/** Sign-in, ARM and storage behind one Hono app. */
async function openDoors(
  config: Config,
  world: World,
  store: Store,
  baseUrl: string,
  { plane, providers }: { readonly plane: Plane; readonly providers: Providers },
) {
  const { tenantId } = config
  const { applications, assignments } = store.directory
  const key = await openInstallationKey(join(config.data, 'installation.key'))
  const secrets = sealSecrets(store.secrets, key)
  const urls = installationUrls(baseUrl, ['127.0.0.1', 'localhost', '::1', ...config.hostNames])
  const audiences = armAudiences(urls)
  const keys = await openSigningKeys(secrets)
  const issuer = openIssuer({
    baseUrl,
    tenantId,
    keys,
    applications,
    audiences: [...audiences, ...graphAudiences(urls)],
    world,
  })
  const trusted = [{ issuer: issuer.issuer, tenantId, keys: keys.verifying }]
  const access = openAccess({ trusted, audiences, assignments, world })
  const ownerFile = join(config.data, 'owner.json')
  const owner = await ensureOwner({
    secrets,
    applications,
    assignments: access.assignments,
    tenantId,
    ownerRoleId: builtInRoles.owner.id,
    keep: (fresh) => claimOwnerFile(ownerFile, fresh),
    world,
  })
  const sas = openSas(key)
  const app = new Hono()
  app.route('/', signinRoutes(issuer))
  app.route('/', storageApp({ store, plane, sas, world }))
  app.route(
    '/',
    armApp({
      providers,
      authenticate: access.authenticate,
      challenge: (origin, why) => challenge(origin, tenantId, why),
      sasUrl: sas.url,
      publicUrl: config.publicUrl,
    }),
  )
  return { app, owner, ownerFile }
}

/** A region that holds images stays configured: without it nothing could read, move or delete them. */
function refuseLostRegions({ regions }: Settings, held: readonly SpaceId[]): void {
  const lost = held.filter((space) => !regions.find(parseSpaceId(space)?.region ?? ''))
  if (lost.length === 0) return
  throw new StartError(
    `The configuration leaves out regions that hold images (spaces ${lost.join(', ')}). Add them again, and remove them from all versions first.`,
  )
}

function queuesOf({ regions }: Config): string[] {
  return ['control', ...regions.map((region) => `region:${regionName(region.displayName)}`)]
}

function openRunning(ports: WorkPorts, holder: string, queues: readonly string[]) {
  const stopping = new AbortController()
  let run: Promise<void> = Promise.resolve()
  const kinds = [publish, convergeRegion, ingestDisk, remove, removeTree, sweep, prune]
  const { store, world } = ports

  async function workUntilStopped(): Promise<void> {
    const nowMs = await store.nowMs()
    await store.write((rows) => rows.work.request(duties, nowMs))
    const options = { store, world, kinds: kinds.map((kind) => kind(ports)), queues, holder }
    await runWork({ ...options, atOnce: workAtOnce }, stopping.signal)
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
