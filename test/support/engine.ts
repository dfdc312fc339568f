import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { invariant } from '../../src/base/assert.ts'
import type { LogEvent, World } from '../../src/base/world.ts'
import type { Blobs, BlobsAddress } from '../../src/blobs/blobs.ts'
import { openBlobs } from '../../src/blobs/open-blobs.ts'
import { openChunkIndex } from '../../src/chunks/chunk-index.ts'
import { serveLane } from '../../src/chunks/lane.ts'
import { type LaneThread, openLanes } from '../../src/chunks/lanes.ts'
import { type ConfigOverrides, importPolicyOf, readConfig, settingsOf } from '../../src/config.ts'
import { deployQueue } from '../../src/deployments/accept.ts'
import { deploy } from '../../src/deployments/deploy.ts'
import type { DeployPorts } from '../../src/deployments/ports.ts'
import { slowQueues } from '../../src/domain/queues.ts'
import { diskSpace, type SpaceId } from '../../src/domain/spaces.ts'
import { tenancyOf } from '../../src/domain/tenants.ts'
import { healthOf } from '../../src/health.ts'
import type { Providers } from '../../src/providers/ports.ts'
import { openPlane } from '../../src/regions/plane.ts'
import type { Settings } from '../../src/resources/declaration.ts'
import { findType, resourceTypes } from '../../src/resources/types.ts'
import { runWork } from '../../src/runner/runner.ts'
import { openSpacePreparation } from '../../src/spaces.ts'
import type { Store } from '../../src/store/store.ts'
import { convergeRegion } from '../../src/work/converge-region.ts'
import { ingestDisks } from '../../src/work/ingest-disks.ts'
import { mendRoot } from '../../src/work/mend-root.ts'
import type { WorkPorts } from '../../src/work/ports.ts'
import { publish } from '../../src/work/publish.ts'
import { rebuildSpace } from '../../src/work/rebuild-space.ts'
import { releaseRegion } from '../../src/work/release-region.ts'
import { remove } from '../../src/work/remove.ts'
import { removeSoftly } from '../../src/work/remove-softly.ts'
import { removeTree } from '../../src/work/remove-tree.ts'
import { repair } from '../../src/work/repair.ts'
import { verify, verifyRegion } from '../../src/work/verify.ts'
import { completeZones } from '../../src/work/zones.ts'
import { asOwner, ownerAsked } from './as-owner.ts'
import { type Clock, type EngineDatabase, openEngineDatabase } from './engine-database.ts'
import { deployingOf } from './engine-deploying.ts'
import { type Death, mortalBlobs, mortalStore, openLife } from './life.ts'

export type Engine = Awaited<ReturnType<typeof openEngine>>

type EngineOptions = {
  readonly death?: Death
  /** Outlives the engine, as time does. */
  readonly clock?: Clock
  /** Rows in hand at once. */
  readonly atOnce?: number
  /** Changes that `hesitate` lets pass. */
  readonly patience?: number
  readonly config?: ConfigOverrides
  /** Whether whoever deploys may still write, asked at each of his requests. */
  readonly mayDeploy?: () => boolean
  /** Blobs of a space that fail as the test wants. */
  readonly faulty?: (blobs: Blobs, address: BlobsAddress) => Blobs
}

export const openClock = (): Clock => ({ nowMs: Date.UTC(2026, 10, 1) })

/** Waits of work beyond this mean that it will never end. */
const patienceMs = 3_600_000

/**
 * A process without HTTP on a folder that outlives it: the real database, blobs, lane code, kinds of work and providers,
 * asked as the owner. It can be told to die at its nth durable change (`life.ts`). Nothing sweeps but `sweep`.
 */
export async function openEngine(folder: string, options: EngineOptions = {}) {
  const { clock = openClock(), atOnce = 1, patience = 0, faulty = (blobs) => blobs } = options
  const config = await readConfig(undefined, { data: folder, ...options.config })
  const settings: Settings = { ...settingsOf(config), ownUrls: ['https://here'] }
  const life = openLife(options.death)
  const logged: LogEvent[] = []
  const world = worldOf(clock, logged)
  await mkdir(folder, { recursive: true })
  const database = await openEngineDatabase(folder, world, clock)
  const { store: inner, tables } = database
  const idle = openIdleness(database, atOnce)
  const store: Store = { ...mortalStore(life, inner), untilWork: idle.untilWork }

  const addressOf = (space: SpaceId): BlobsAddress => ({
    kind: 'disk',
    folder: spaceFolder(folder, space),
  })
  const blobsAt = (address: BlobsAddress): Blobs =>
    mortalBlobs(life, faulty(openBlobs(address), address))
  const lanes = openLanes({ count: 1, start: () => laneHere(blobsAt) })
  const index = openChunkIndex(join(folder, 'index.db'))
  const { holdings: rows, uploads } = store
  const plane = openPlane({ rows, uploads, addressOf, openBlobs: blobsAt, lanes, index, world })
  const spaces = openSpacePreparation({
    store: inner,
    installation: 'engine',
    world,
    among: undefined,
    addressOf,
  })
  const [subscription] = config.subscriptions
  invariant(subscription, 'there is a subscription')
  const providers: Providers = {
    store,
    settings,
    subscriptions: [{ ...subscription, tenantId: config.tenantId }],
    tenancy: tenancyOf(config.tenantId, []),
    world,
    types: resourceTypes,
    findType,
    isAway: () => false,
  }
  const imports = importPolicyOf(config, async () => [])
  const health = healthOf(config, world)
  const { prepare } = spaces
  const kept = {
    sweepHoldMs: 0,
    places: spaces,
    health,
    uploadKeptMs: config.uploadDays * 24 * 3_600_000,
    auditKeptMs: config.auditDays * 24 * 3_600_000,
    eventsKeptMs: config.activityLogDays * 24 * 3_600_000,
    rotateKeyWhenDue: async () => false,
  }
  const ports: WorkPorts = { store, plane, world, settings, findType, prepare, imports, ...kept }
  const first = settings.regions.all[0]?.name ?? raise('there is a region')
  await spaces.prepareAtStart([diskSpace(first).id], [])
  const { mayDeploy = () => true } = options
  const { caller } = ownerAsked
  const callerNow = () => (mayDeploy() ? caller : { ...caller, may: () => false })
  const deploying = deployingOf(providers, callerNow)
  const running = run(ports, {
    deploying,
    atOnce,
    regions: settings.regions.all.map(({ name }) => name),
  })
  void life.ended.then(running.stop)

  /** Resolves when no work is left. Throws Died, or what is stuck. */
  async function quiet(): Promise<void> {
    const sinceMs = clock.nowMs
    for (;;) {
      life.check()
      if (running.failure() !== undefined) throw running.failure()
      if (await idle.isQuiet()) return
      if (clock.nowMs - sinceMs > patienceMs) throw new Error(`stuck: ${await idle.told()}`)
      await wait(1)
    }
  }

  /** Lets some work be done, not all of it: what is asked next interferes with the rest. */
  async function hesitate(): Promise<void> {
    const from = life.names().length
    while (life.names().length < from + patience && !(await idle.isQuiet())) {
      life.check()
      await wait(0)
    }
  }

  /** Resolves as soon as the resource is not there, whatever goes on besides. */
  async function gone(path: string): Promise<void> {
    const isThere = async () => (await store.read.resources.get(path.toLowerCase())) !== undefined
    while (await isThere()) {
      if ((await idle.isQuiet()) && (await isThere()))
        throw new Error(`nothing is done about ${path}`)
      await wait(0)
    }
  }

  /** Stops all of it; what is done stays, as after a kill when it died. */
  async function close(): Promise<void> {
    await running.stop()
    await life.still()
    await lanes.close()
    index.close()
    await database.close()
  }

  return {
    ...asOwner({ providers, plane, quiet }),
    folder,
    life,
    clock,
    /** Reads and writes that no death stops: for tests. */
    rows: inner,
    tables,
    store,
    plane,
    world,
    settings,
    ports,
    deploying,
    logged,
    quiet,
    hesitate,
    gone,
    close,
  }
}

export function spaceFolder(folder: string, space: SpaceId): string {
  return join(folder, 'spaces', ...space.split('/'))
}

function raise(what: string): never {
  throw new Error(what)
}

function worldOf(clock: Clock, logged: LogEvent[]): World {
  return {
    now: () => new Date(clock.nowMs++),
    id: () => crypto.randomUUID(),
    // Whoever rests looks again soon: the clock moves on without it.
    sleep: (ms, signal) => wait(Math.min(ms, 20), undefined, { signal }),
    log: (event) => void logged.push(event),
  }
}

/** When every hand rests and work waits for its time, that time has come. */
function openIdleness({ store, tables, moveTo }: EngineDatabase, atOnce: number) {
  let resting = 0
  const unfinished = () =>
    tables.all('select kind, subject, step, attempts, due_ms from work order by due_ms')
  const allRest = () => resting === atOnce

  const untilWork: Store['untilWork'] = async (ms, signal) => {
    resting += 1
    try {
      const [next] = allRest() ? await unfinished() : []
      // Looked at again: somebody may have woken while the rows were asked for.
      if (next && allRest()) {
        await moveTo(Number(next.due_ms))
        await wait(0)
      } else await store.untilWork(ms, signal)
    } finally {
      resting -= 1
    }
  }

  return {
    untilWork,
    isQuiet: async () => allRest() && (await unfinished()).length === 0 && allRest(),
    told: async () => JSON.stringify(await unfinished()),
  }
}

function run(
  ports: WorkPorts,
  {
    deploying,
    atOnce,
    regions,
  }: { deploying: DeployPorts; atOnce: number; regions: readonly string[] },
) {
  const stopping = new AbortController()
  const { store, world } = ports
  const mending = [repair, mendRoot, completeZones, rebuildSpace, verify, verifyRegion]
  const removing = [remove, removeSoftly, releaseRegion, removeTree]
  const all = [publish, convergeRegion, ingestDisks, ...removing, ...mending]
  const kinds = [...all.map((kind) => kind(ports)), deploy(deploying)]
  const queues = [
    'control',
    deployQueue,
    ...regions.flatMap((region) =>
      ['', ...slowQueues].map((suffix) => `region:${region}${suffix}`),
    ),
  ]
  let failure: unknown
  const over = runWork(
    { store, world, kinds, hands: { queues, atOnce }, holder: 'embedded' },
    stopping.signal,
  ).catch((error: unknown) => {
    failure = error
  })
  return {
    /** Why the runner ended by itself, which it never may. */
    failure: () => failure,
    async stop(): Promise<void> {
      stopping.abort()
      await over
    },
  }
}

/** The lane's own code in this thread, so that its blobs can fail too. */
function laneHere(blobsAt: Parameters<typeof serveLane>[1]): LaneThread {
  const { port1, port2 } = new MessageChannel()
  serveLane(port2, blobsAt)
  return {
    port: port1,
    stop: async () => {
      port1.close()
      port2.close()
    },
    onStopped: () => undefined,
  }
}
