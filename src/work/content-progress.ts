import type { World } from '../base/world.ts'
import type { Problem } from '../domain/problem.ts'
import type { ReplicaRow, ResourceRow } from '../domain/rows.ts'
import type { Progress } from '../regions/plane.ts'
import { findType } from '../resources/types.ts'
import type { Running } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import type { WorkPorts } from './ports.ts'
import { replicaRow } from './publish.ts'
import { openReplicaProgress } from './replica-progress.ts'

/** Written at most this often: a number for people. */
const everyMs = 400

/** What becomes of the bytes once they are in the region: quick beside their way to it. */
export const takingIn = 'take in'

type Told = { report(progress: Progress): void; rest(): Promise<void> }

const untold: Told = { report: () => undefined, rest: async () => undefined }

/** Tells how much of a resource's content is there: of a version in the row of its region, else in its status. */
export function openContentProgress(
  { store, world }: WorkPorts,
  { resource, write }: { readonly resource: ResourceRow; readonly write: Running['write'] },
  during: string,
): Told {
  const { key, region = '' } = resource
  if (!isVersion(resource)) {
    return during === takingIn ? untold : openCopyPercent(world, write, key)
  }
  const row = openReplicaProgress({ store, world, write, versionKey: key, region, during })
  return { report: (progress) => row.report(0, progress), rest: () => row.phase(during) }
}

/** Of an image or of an application: what is replicated into regions. */
export function isVersion({ type }: ResourceRow): boolean {
  return findType(type)?.hasReplicas === true
}

/** Before a version is published only the region of its source has something to show. */
export async function showTakingIn(rows: Rows, version: ResourceRow, nowMs: number): Promise<void> {
  const before = await homeOf(rows, version)
  const row = replicaRow(version, version.region ?? '', before, false, nowMs)
  await rows.replicas.put({ ...row, phase: takingIn })
}

export async function showFailed(
  rows: Rows,
  version: ResourceRow,
  { message: reason }: Problem,
): Promise<void> {
  const row = await homeOf(rows, version)
  if (row) await rows.replicas.put({ ...row, state: 'Failed', phase: '', reason })
}

async function homeOf(rows: Rows, { key, region }: ResourceRow): Promise<ReplicaRow | undefined> {
  return (await rows.replicas.of([key])).find((replica) => replica.region === region)
}

/** Tells in the status of a snapshot or disk how much of it has been copied. */
export function openCopyPercent(world: World, write: Running['write'], key: string): Told {
  let writtenMs = world.now().getTime()
  let writing: Promise<void> = Promise.resolve()

  function put(completionPercent: number): Promise<void> {
    return write(async (rows) => {
      const snapshot = await rows.resources.lock(key)
      if (!snapshot || snapshot.state === 'Deleting') return
      const status = { ...snapshot.status, completionPercent }
      await rows.resources.setStatus(key, { status })
    })
  }

  return {
    report({ bytesDone, bytesTotal }: Progress): void {
      const nowMs = world.now().getTime()
      if (nowMs - writtenMs < everyMs) return
      writtenMs = nowMs
      const percent = Math.min(99, Math.floor((bytesDone / Math.max(1, bytesTotal)) * 100))
      // A lost write is made good by the next one; a lost lease stops the step by its own way.
      writing = writing.then(() => put(percent)).catch(() => undefined)
    },
    /** Waits for what is under way. */
    rest: () => writing,
  }
}
