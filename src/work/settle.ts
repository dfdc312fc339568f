import type { Problem } from '../domain/problem.ts'
import type { ProvisioningState, ReplicaRow, ResourceRow } from '../domain/rows.ts'
import type { Settings } from '../resources/declaration.ts'
import { sourceClaim, wantedRegions } from '../resources/image-version.ts'
import type { Failed } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'

/**
 * Ends a version's update when its last region has converged. The row lock comes first: two regions that finish at the
 * same time would otherwise each see the other one unfinished, and the version would stay in Updating for good.
 */
export async function settleVersion(
  rows: Rows,
  versionKey: string,
  settings: Settings,
  nowMs: number,
): Promise<void> {
  const version = await rows.resources.lock(versionKey)
  if (!version || version.state === 'Deleting') return
  const replicas = await rows.replicas.of([versionKey])
  const wanted = wantedRegions(version.doc, settings)
  const reached = replicas.filter(
    (replica) =>
      replica.generation >= version.generation &&
      (replica.state === 'Completed' || replica.state === 'Failed'),
  )
  const leaving = replicas.filter(
    (replica) => !wanted.some((region) => region.region === replica.region),
  )
  const waiting = wanted.length - reached.filter((replica) => !leaving.includes(replica)).length
  if (waiting > 0 || leaving.some((replica) => replica.state !== 'Failed')) return
  const failures = reached.filter((replica) => replica.state === 'Failed')
  for (const claim of sourceClaim(version.doc)) await rows.claims.release(claim, versionKey)
  await finishResource(rows, version, failures.length > 0 ? failed(failures) : undefined, nowMs)
}

function failed(replicas: readonly ReplicaRow[]): Problem {
  const details = replicas
    .map((replica) => `{region:${replica.region}, detail:${replica.reason ?? 'unknown'}}`)
    .join(', ')
  const message =
    "Gallery replication jobs failed in one or more regions. The failing regions' details are as follows: " +
    `'${details}'. If retry does not work, then please do an update by removing the failed regions and update again by adding them back.`
  return { code: 'ReplicationFailed', message }
}

/** Final state of a resource, and the end of every operation that waited for this generation or an older one. */
export async function finishResource(
  rows: Rows,
  resource: ResourceRow,
  problem: Problem | undefined,
  nowMs: number,
  state: ProvisioningState = problem ? 'Failed' : 'Succeeded',
): Promise<void> {
  await rows.resources.setStatus(resource.key, { state })
  for (const operation of await rows.operations.unfinishedOf(resource.key)) {
    if (operation.generation > resource.generation) continue
    await rows.operations.finish(operation.id, {
      status: problem ? 'Failed' : 'Succeeded',
      error: problem && { code: problem.code, message: problem.message },
      output: undefined,
      endedMs: nowMs,
    })
  }
}

/** The resource stays, as Failed: the deletion can be asked for again. */
export const failRemoval: Failed = async (rows, row, { problem, nowMs }) => {
  const resource = await rows.resources.lock(row.subject)
  if (resource?.state !== 'Deleting') return
  const status = { ...resource.status, removalFailed: problem.message }
  await rows.resources.setStatus(resource.key, { status })
  // What is deleted softly stays out of sight: it is purged again in its time, or when it is asked for.
  const state = resource.deletedMs === undefined ? 'Failed' : 'Deleting'
  await finishResource(rows, resource, problem, nowMs, state)
}
