import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { openFeed, type Readiness } from './api/feed/feed.ts'
import { withDeadline } from './base/deadline.ts'
import { StartError } from './base/start-error.ts'
import type { World } from './base/world.ts'
import { type Config, ownRegionsOf } from './config.ts'
import { regionName } from './domain/regions.ts'
import { diskSpace, parseSpaceId, type SpaceId } from './domain/spaces.ts'
import type { Installation } from './installation.ts'
import type { Processes } from './processes.ts'
import { release } from './release.ts'
import { resourceTypes } from './resources/types.ts'
import type { Work } from './runner/work.ts'
import type { Store } from './store/store.ts'
import { metricsContentType, openMeters } from './telemetry/meters.ts'
import type { Sample } from './telemetry/metric-table.ts'
import { openObservedRequests } from './telemetry/observed-requests.ts'
import { observedWork } from './telemetry/observed-work.ts'
import { openProcessReadings, openReadings } from './telemetry/readings.ts'
import { openRoutes } from './telemetry/route-of.ts'
import { openSpaceWatch, type SpaceWatch } from './telemetry/space-watch.ts'
import { tracedStore } from './telemetry/traced-store.ts'
import { openTracing } from './telemetry/tracing.ts'

/** A database that takes longer to tell one row will not do for requests. */
const databaseMs = 2_000
/** Those who ask whether it is ready more often are told the same. */
const freshMs = 1_000

export type Watch = Awaited<ReturnType<typeof openWatch>>

/** What operators see of one process: metrics, traces, health. Wraps what is handed down, so that no room knows of it. */
export async function openWatch(config: Config, given: World) {
  const meters = openMeters()
  const world: World = {
    ...given,
    log(event) {
      meters.logged(event)
      given.log(event)
    },
  }
  const { tracing: traces, logLevel } = config
  const tracing = traces && (await openTracing({ ...traces, release, world }))
  const log = logLevel === 'debug' ? given.log : undefined
  const requests = openObservedRequests({ meters, tracing, log })
  const ownReadings = openProcessReadings(release)
  const routeOf = openRoutes(resourceTypes.map(({ type }) => type))
  let state: Begun | undefined
  let isDraining = false

  async function ready(): Promise<Readiness> {
    if (isDraining) return { reasons: ['draining'] }
    return state ? await state.ready() : { reasons: ['starting'] }
  }

  async function samples(): Promise<readonly Sample[]> {
    const { reasons } = await ready()
    return [
      { name: 'vitrine_ready', value: reasons.length === 0 ? 1 : 0 },
      { name: 'vitrine_http_requests_in_flight', value: requests.inFlight() },
      ...ownReadings.read(),
      ...((await state?.read()) ?? []),
    ]
  }

  const metrics = onceAtATime(async () => meters.render(await samples()))
  const metricsToken = await readToken(config.metricsTokenFile)

  return {
    world,
    feed: openFeed({ ready, metrics, metricsContentType, metricsToken, world }),
    clients: (listener: RequestListener) => requests.observed(listener, routeOf),
    peers: (listener: RequestListener) => requests.observed(listener, () => 'peer'),
    store: (store: Store): Store => (tracing ? tracedStore(store, tracing) : store),
    work: (work: Work): Work => observedWork(work, { meters, tracing }),
    /** Who asks, found out in a span of its own. */
    access:
      <Given, Found>(find: (given: Given) => Promise<Found>) =>
      (asked: Given): Promise<Found> =>
        tracing ? tracing.access(() => find(asked)) : find(asked),
    begin(installation: Installation, processes: Processes): void {
      state = beginning({ config, world, installation, processes })
    },
    /** From now on it is not ready; resolves when balancers have had their time to see it. */
    async drain(): Promise<void> {
      isDraining = true
      await world.sleep(config.drainSeconds * 1000, new AbortController().signal)
    },
    async close(): Promise<void> {
      ownReadings.close()
      await tracing?.close()
    },
  }
}

type Begun = ReturnType<typeof beginning>

type Parts = {
  readonly config: Config
  readonly world: World
  readonly installation: Installation
  readonly processes: Processes
}

function beginning({ config, world, installation, processes }: Parts) {
  const { store, plane } = installation
  const own: readonly string[] = ownRegionsOf(config)

  /** Where uploads of its regions go, and what holds anything of theirs. */
  async function spacesOf(): Promise<readonly SpaceId[]> {
    const held = await store.holdings.spaces()
    const ours = held.filter((space) => own.includes(parseSpaceId(space)?.region ?? ''))
    const first = ownRegionsOf(config).map((region) => diskSpace(region).id)
    return [...new Set([...first, ...ours])]
  }

  const { addressOf, blobsOf } = plane
  const spaces = openSpaceWatch({ spaces: spacesOf, addressOf, blobsOf, world })
  const regions = config.regions.map(({ displayName }) => regionName(displayName))
  const read = openReadings({ store, plane, spaces, regions, isAway: processes.isAway })
  return { read, ready: openReadiness({ store, spaces, world }) }
}

/** Asks the database, then the spaces. Of many spaces some may be away: the rest is served, and an alert tells. */
function openReadiness(parts: {
  readonly store: Store
  readonly spaces: SpaceWatch
  readonly world: World
}): () => Promise<Readiness> {
  let last: { readonly atMs: number; readonly found: Promise<Readiness> } | undefined

  async function look(): Promise<Readiness> {
    const answers = parts.store.secrets.get('installation-id').then(
      () => true,
      () => false,
    )
    if (!(await withDeadline(answers, databaseMs, () => false))) return { reasons: ['database'] }
    const found = await parts.spaces.look().catch(() => [])
    const isServing = found.length === 0 || found.some(({ isThere }) => isThere)
    return { reasons: isServing ? [] : ['spaces'] }
  }

  return () => {
    const nowMs = parts.world.now().getTime()
    if (!last || nowMs - last.atMs >= freshMs) last = { atMs: nowMs, found: look() }
    return last.found
  }
}

function onceAtATime<Result>(act: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined
  return () => {
    running ??= act().finally(() => {
      running = undefined
    })
    return running
  }
}

async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const token = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => '',
  )
  if (token !== '') return token
  throw new StartError(
    `The file ${file} of the setting metricsTokenFile has no token: write one into it, for example with openssl rand -hex 32.`,
  )
}
