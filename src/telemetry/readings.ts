import { monitorEventLoopDelay } from 'node:perf_hooks'
import { withDeadline } from '../base/deadline.ts'
import { Unavailable } from '../domain/errors.ts'
import type { RegionName } from '../domain/regions.ts'
import type { Plane } from '../regions/plane.ts'
import type { Store } from '../store/store.ts'
import type { MetricName, Sample } from './metric-table.ts'
import { openSpaceUse } from './space-use.ts'
import type { SpaceWatch } from './space-watch.ts'

const hourMs = 3_600_000
const loopResolutionMs = 20
/** Below the ten seconds after which Prometheus gives a scrape up. */
const rowsMs = 5_000

export type Watched = {
  readonly store: Pick<Store, 'watch' | 'load' | 'nowMs'>
  readonly plane: Pick<Plane, 'moved' | 'nodes' | 'manifests' | 'trailers'>
  readonly spaces: SpaceWatch
  /** All of the installation. */
  readonly regions: readonly RegionName[]
  isAway(region: RegionName): boolean
}

/** Reads what is not counted as it happens: rows, spaces, connections, caches. Each reading costs a bounded number of rows. */
export function openReadings({ store, plane, spaces, regions, isAway }: Watched) {
  const useOf = openSpaceUse(store.watch)
  let reading: Promise<readonly Sample[] | undefined> | undefined

  /** Without a database there is less to tell, not nothing. */
  async function read(): Promise<readonly Sample[]> {
    reading ??= samplesOfRows()
      .catch((error: unknown) => {
        if (error instanceof Unavailable) return undefined
        throw error
      })
      .finally(() => {
        reading = undefined
      })
    const fromRows = await withDeadline(reading, rowsMs, () => undefined)
    const up = { name: 'vitrine_database_up', value: fromRows === undefined ? 0 : 1 } as const
    return [
      up,
      ...(fromRows ?? []),
      ...loadSamples(store),
      ...planeSamples(plane),
      ...regionSamples(),
    ]
  }

  async function samplesOfRows(): Promise<readonly Sample[]> {
    const nowMs = await store.nowMs()
    const operations = await operationSamples(store, nowMs)
    const work = await workSamples(store, nowMs)
    const use = (await useOf()) ?? []
    const used = use.flatMap(({ space, state, packs, bytes }): Sample[] => [
      { name: 'vitrine_space_used_bytes', labels: { space, state }, value: bytes },
      { name: 'vitrine_space_packs', labels: { space, state }, value: packs },
    ])
    const health = await healthSamples(store, nowMs)
    return [...operations, ...work, ...used, ...health, ...(await spaceSamples(spaces))]
  }

  function regionSamples(): Sample[] {
    return regions.map((region) => ({
      name: 'vitrine_region_up',
      labels: { region },
      value: isAway(region) ? 0 : 1,
    }))
  }

  return read
}

async function operationSamples({ watch }: Watched['store'], nowMs: number): Promise<Sample[]> {
  const { unfinished, oldestStartedMs, ended } = await watch.operations(nowMs - hourMs)
  const oldest = ageSeconds(oldestStartedMs, nowMs)
  return [
    { name: 'vitrine_operations_unfinished', value: unfinished },
    { name: 'vitrine_operations_oldest_age_seconds', value: oldest },
    ...['Succeeded', 'Failed', 'Canceled'].map((status): Sample => {
      const value = ended.get(status) ?? 0
      return { name: 'vitrine_operations_ended_last_hour', labels: { status }, value }
    }),
  ]
}

async function workSamples({ watch }: Watched['store'], nowMs: number): Promise<Sample[]> {
  const rows = await watch.work(nowMs)
  return rows.flatMap(({ queue, kind, rows: count, held, oldestDueMs }): Sample[] => {
    const labels = { queue, kind }
    return [
      { name: 'vitrine_work_rows', labels, value: count },
      { name: 'vitrine_work_held', labels, value: held },
      { name: 'vitrine_work_oldest_due_seconds', labels, value: ageSeconds(oldestDueMs, nowMs) },
    ]
  })
}

async function healthSamples({ watch }: Watched['store'], nowMs: number): Promise<Sample[]> {
  const found = await watch.spaces()
  return found.flatMap(({ space, state, verifiedMs, badPacks }): Sample[] => {
    const told: Sample = { name: 'vitrine_space_state', labels: { space, state }, value: 1 }
    if (verifiedMs === undefined) return [told]
    const labels = { space }
    return [
      told,
      {
        name: 'vitrine_space_unverified_seconds',
        labels,
        // What came before packs were looked at: since long ago.
        value: ageSeconds(verifiedMs, nowMs),
      },
      { name: 'vitrine_space_bad_packs', labels, value: badPacks },
    ]
  })
}

async function spaceSamples(spaces: SpaceWatch): Promise<Sample[]> {
  const found = await spaces.look()
  return found.flatMap(({ space, isThere, room }): Sample[] => {
    const labels = { space }
    const up: Sample = { name: 'vitrine_space_up', labels, value: isThere ? 1 : 0 }
    if (!room) return [up]
    return [
      up,
      { name: 'vitrine_space_free_bytes', labels, value: room.freeBytes },
      { name: 'vitrine_space_size_bytes', labels, value: room.sizeBytes },
    ]
  })
}

function loadSamples(store: Watched['store']): Sample[] {
  const { commits, retries, connections, waiting } = store.load()
  const connected = (state: string, value: number): Sample => ({
    name: 'vitrine_database_connections',
    labels: { state },
    value,
  })
  return [
    { name: 'vitrine_database_commits_total', value: commits },
    { name: 'vitrine_database_retries_total', value: retries },
    connected('in_use', connections.inUse),
    connected('idle', connections.idle),
    { name: 'vitrine_database_connections_max', value: connections.max },
    { name: 'vitrine_database_waiting', value: waiting },
  ]
}

const movedNames = {
  uploadedBytes: 'vitrine_uploaded_bytes_total',
  downloadedBytes: 'vitrine_downloaded_bytes_total',
  ingestedBytes: 'vitrine_ingested_bytes_total',
  replicatedBytes: 'vitrine_replicated_bytes_total',
  repairedBytes: 'vitrine_repaired_bytes_total',
  packsRepaired: 'vitrine_packs_repaired_total',
  imagesDamaged: 'vitrine_images_damaged_total',
  scrubbedBytes: 'vitrine_scrubbed_bytes_total',
} as const satisfies Record<keyof Plane['moved'], MetricName>

function planeSamples({ moved, nodes, manifests, trailers }: Watched['plane']): Sample[] {
  const caches = { nodes, manifests, trailers }
  return [
    ...Object.entries(movedNames).map(([what, name]) => ({
      name,
      value: moved[what as keyof typeof movedNames],
    })),
    ...Object.entries(caches).flatMap(([cache, { lookups }]): Sample[] => {
      const { hits, misses } = lookups()
      const name = 'vitrine_cache_lookups_total'
      return [
        { name, labels: { cache, result: 'hit' }, value: hits },
        { name, labels: { cache, result: 'miss' }, value: misses },
      ]
    }),
  ]
}

/** The process itself. `close` ends the watch over the event loop. */
export function openProcessReadings(version: string) {
  const loop = monitorEventLoopDelay({ resolution: loopResolutionMs })
  loop.enable()

  function read(): readonly Sample[] {
    const { user, system } = process.cpuUsage()
    const lag = lagSamples(loop)
    loop.reset()
    return [
      ...lag,
      { name: 'vitrine_build_info', labels: { version, node: process.version }, value: 1 },
      { name: 'process_cpu_seconds_total', value: (user + system) / 1e6 },
      { name: 'process_resident_memory_bytes', value: process.memoryUsage.rss() },
      { name: 'process_start_time_seconds', value: performance.timeOrigin / 1000 },
    ]
  }

  return { read, close: () => loop.disable() }
}

/** The histogram is of the time between two looks: what is beyond its resolution is lag. */
function lagSamples(loop: ReturnType<typeof monitorEventLoopDelay>): Sample[] {
  const points = { p50: loop.percentile(50), p99: loop.percentile(99), max: loop.max }
  return Object.entries(points).map(([at, nanoseconds]) => {
    const seconds = nanoseconds / 1e9 - loopResolutionMs / 1000
    const value = loop.count === 0 ? 0 : Math.max(0, seconds)
    return { name: 'vitrine_event_loop_lag_seconds', labels: { at }, value }
  })
}

function ageSeconds(sinceMs: number | undefined, nowMs: number): number {
  return sinceMs === undefined ? 0 : Math.max(0, nowMs - sinceMs) / 1000
}
