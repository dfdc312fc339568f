type Kind = 'counter' | 'gauge' | 'histogram'

type Told = { readonly kind: Kind; readonly help: string; readonly labels: readonly string[] }

const counter = (help: string, ...labels: string[]): Told => ({ kind: 'counter', help, labels })
const gauge = (help: string, ...labels: string[]): Told => ({ kind: 'gauge', help, labels })
const histogram = (help: string, ...labels: string[]): Told => ({ kind: 'histogram', help, labels })

/**
 * Every metric, once; `docs/operate.md` says what to do about each, which a test holds. Labels are words of ours: never
 * a name, an id or a path that a client chose.
 */
export const metricTable = {
  vitrine_http_request_duration_seconds: histogram(
    'Requests, from their headers to the last byte of the answer; status "aborted" when the client left.',
    'route',
    'method',
    'status',
  ),
  vitrine_http_requests_in_flight: gauge('Requests that are not answered yet.'),
  vitrine_work_step_duration_seconds: histogram(
    'Steps of work by their outcome: next, wait, done, failed, fault (tried again), lost (the lease), stopped.',
    'kind',
    'step',
    'outcome',
  ),
  vitrine_work_leases_lost_total: counter('Rows of work that another worker took over.'),
  vitrine_log_events_total: counter(
    'Lines of the log, also those too quiet to be written.',
    'level',
    'event',
  ),
  vitrine_uploaded_bytes_total: counter('Bytes of pages that uploads brought and that were kept.'),
  vitrine_downloaded_bytes_total: counter('Bytes of disks that were handed to readers.'),
  vitrine_ingested_bytes_total: counter('Stored bytes that ingested disks added to spaces.'),
  vitrine_replicated_bytes_total: counter('Stored bytes that copies added to spaces.'),
  vitrine_repaired_bytes_total: counter('Stored bytes that were written anew over damaged ones.'),
  vitrine_packs_repaired_total: counter(
    'Packs that were damaged in a space and mended from another.',
  ),
  vitrine_images_damaged_total: counter(
    'Times that a disk image was found to lack something that no space has.',
  ),
  vitrine_scrubbed_bytes_total: counter('Stored bytes of packs that were read to be checked.'),
  vitrine_cache_lookups_total: counter(
    'What was asked of a cache of the data plane.',
    'cache',
    'result',
  ),
  vitrine_database_up: gauge('1 when the metadata database answered this scrape.'),
  vitrine_database_commits_total: counter('Transactions that were committed.'),
  vitrine_database_retries_total: counter('Transactions that met another one and ran again.'),
  vitrine_database_connections: gauge('Connections of this process.', 'state'),
  vitrine_database_connections_max: gauge('Connections that this process may have.'),
  vitrine_database_waiting: gauge('Callers that wait for a connection or for their turn to write.'),
  vitrine_operations_unfinished: gauge('Operations under way, counted up to 10,000.'),
  vitrine_operations_oldest_age_seconds: gauge(
    'Age of the oldest operation under way; 0 without one.',
  ),
  vitrine_operations_ended_last_hour: gauge(
    'Operations that ended within an hour, up to 10,000.',
    'status',
  ),
  vitrine_work_rows: gauge('Rows of work, counted up to 10,000.', 'queue', 'kind'),
  vitrine_work_held: gauge('Rows of work that a worker has in hand.', 'queue', 'kind'),
  vitrine_work_oldest_due_seconds: gauge(
    'How long the longest waiting row has been due and nobody took it; 0 without one.',
    'queue',
    'kind',
  ),
  vitrine_space_up: gauge('1 when the space answers this process.', 'space'),
  vitrine_space_state: gauge(
    '1 for what the space was last seen to be: here, away, gone, bare, other, rebuilding, unseen.',
    'space',
    'state',
  ),
  vitrine_space_unverified_seconds: gauge(
    'How long ago the pack that was looked at longest ago was found good.',
    'space',
  ),
  vitrine_space_bad_packs: gauge('Packs that are known to be bad, counted up to 10,000.', 'space'),
  vitrine_space_used_bytes: gauge(
    'Bytes of packs by their rows; condemned ones are freed by the next sweeps.',
    'space',
    'state',
  ),
  vitrine_space_packs: gauge('Packs by their rows.', 'space', 'state'),
  vitrine_space_free_bytes: gauge(
    'Room left on the file system below a space in a folder.',
    'space',
  ),
  vitrine_space_size_bytes: gauge('Size of the file system below a space in a folder.', 'space'),
  vitrine_region_up: gauge('1 when a worker of the region was heard of late.', 'region'),
  vitrine_event_loop_lag_seconds: gauge(
    'How late the event loop came to its timers since the last scrape.',
    'at',
  ),
  vitrine_ready: gauge('1 when this process would answer /readyz with 200.'),
  vitrine_build_info: gauge('1, with the release in its labels.', 'version', 'node'),
  process_cpu_seconds_total: counter('User and system CPU time of this process.'),
  process_resident_memory_bytes: gauge('Memory of this process.'),
  process_start_time_seconds: gauge('When this process started, since the epoch.'),
} as const satisfies Record<string, Told>

export type MetricName = keyof typeof metricTable

/** A value that is read when somebody asks, not kept in step. */
export type Sample = {
  readonly name: MetricName
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}
