import type { Problem } from '../domain/problem.ts'
import type { ResourceRow, WorkRow } from '../domain/rows.ts'
import type { ArmDocument, Stored } from '../resources/declaration.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import type { WorkPorts } from './ports.ts'
import { forgetRow } from './remove.ts'
import { failRemoval } from './settle.ts'
import { waitLonger } from './wait-longer.ts'

/** Rows handled in one transaction. */
const pageRows = 200
/** Deployments read at once: each has outputs and parameters of its own. */
const deploymentsAtOnce = 20

/** Deletes a resource group: everything below it is marked first, so that nothing new starts, then goes deepest first. */
export function removeTree(ports: WorkPorts): Work {
  const { store, settings } = ports

  async function mark({ row, state, write }: Running): Promise<Outcome> {
    // Asked for twice, it may run again when another group has the name already: that one is not meant.
    const group = await store.read.resources.get(row.subject)
    if (group?.state !== 'Deleting') return { is: 'done' }
    const after = typeof state.after === 'string' ? state.after : undefined
    const page = await store.read.resources.below(row.subject, after, pageRows)
    const nowMs = await store.nowMs()
    const [blocked] = page.flatMap((resource) => blocksOf(resource, nowMs))
    if (blocked) return { is: 'failed', problem: blocked }
    await write(async (rows) => {
      await endDeployments(rows, row.subject, nowMs)
      for (const resource of page) {
        if (resource.deletedMs !== undefined) await tryAgain(rows, resource)
        if (resource.state === 'Deleting') continue
        await rows.resources.setStatus(resource.key, { state: 'Deleting' })
        await rows.sas.revokeOf(resource.key)
        await rows.work.cancelOf(resource.key, undefined, nowMs)
        await endOperations(rows, resource.key, nowMs)
      }
    })
    const last = page.at(-1)
    if (last && page.length === pageRows) {
      return { is: 'wait', state: { after: last.key }, forMs: 0 }
    }
    return { is: 'next', state: {} }
  }

  /** Protected after the deletion was accepted. */
  function blocksOf(resource: ResourceRow, nowMs: number): readonly Problem[] {
    const type = ports.findType(resource.type)
    // The row was stored by this type's own schema.
    const stored = resource as unknown as Stored<ArmDocument>
    return type?.deleteProblems?.(stored, new Date(nowMs)) ?? []
  }

  async function removeChildren({ row, state, write }: Running): Promise<Outcome> {
    const { after, ...rest } = state
    const from = typeof after === 'string' ? after : undefined
    const page = await store.read.resources.below(row.subject, from, pageRows)
    if (page.length === 0 && from === undefined) return { is: 'next', state: rest }
    const stuck = page.find(isStuck)
    if (stuck) return { is: 'failed', problem: stuckProblem(stuck) }
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      for (const resource of [...page].reverse()) await removeOne(rows, resource, { row, nowMs })
    })
    // What waits for a region that is away holds up nothing behind it.
    const last = page.length === pageRows ? page.at(-1) : undefined
    if (last) return { is: 'wait', state: { ...rest, after: last.key }, forMs: 0 }
    return waitLonger(rest, `${page.length} ${page[0]?.key}`)
  }

  /** A parent waits for its children; what keeps images goes by its own work; the rest goes now. */
  async function removeOne(
    rows: Rows,
    resource: ResourceRow,
    { row, nowMs }: { readonly row: WorkRow; readonly nowMs: number },
  ): Promise<void> {
    const type = ports.findType(resource.type)
    const children = await rows.resources.below(resource.key, undefined, 1)
    if (children.length > 0) return
    // The row was stored by this type's own schema.
    const requests = type?.remove?.(resource as unknown as Parameters<typeof type.remove>[0])
    if (!requests) return forgetRow(rows, resource, { type, settings, nowMs })
    const unfinished = await rows.work.unfinishedOf(resource.key)
    const missing = requests.filter(
      (request) => !unfinished.some((work) => work.kind === request.kind),
    )
    const { correlationId, trace } = row
    const asked = missing.map((request) => ({ ...request, correlationId, trace }))
    await rows.work.request(asked, nowMs)
  }

  async function removeGroup({ row, write }: Running): Promise<Outcome> {
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      const group = await rows.resources.lock(row.subject)
      if (group?.state !== 'Deleting') return
      const type = ports.findType(group.type)
      await rows.deployments.removeBelow(row.subject)
      await forgetRow(rows, group, { type, settings, nowMs })
      for (const operation of await rows.operations.unfinishedOf(row.subject)) {
        const end = { status: 'Succeeded', error: undefined, output: undefined } as const
        await rows.operations.finish(operation.id, { ...end, endedMs: nowMs })
      }
    })
    return { is: 'done' }
  }

  const failed: Failed = async (rows, row, { problem, nowMs }) => {
    await unmark(rows, row.subject)
    await failRemoval(rows, row, { problem, nowMs })
  }

  return { kind: 'RemoveTree', steps: { mark, removeChildren, removeGroup }, failed }
}

/** Nothing stays in Deleting that no work deletes any more. */
async function unmark(rows: Rows, key: string): Promise<void> {
  let after: string | undefined
  do {
    const page = await rows.resources.below(key, after, pageRows)
    for (const resource of page) {
      const unfinished = await rows.work.unfinishedOf(resource.key)
      const isMarked = resource.state === 'Deleting' && resource.deletedMs === undefined
      if (isMarked && unfinished.length === 0) {
        await rows.resources.setStatus(resource.key, { state: 'Failed' })
      }
    }
    after = page.length === pageRows ? page.at(-1)?.key : undefined
  } while (after !== undefined)
}

/** What is deleted softly shows by that alone that it could not be purged. */
function isStuck({ state, deletedMs, status }: ResourceRow): boolean {
  return state === 'Failed' || (deletedMs !== undefined && status.removalFailed !== undefined)
}

/** It could not be purged before. */
async function tryAgain(rows: Rows, { key, status }: ResourceRow): Promise<void> {
  if (status.removalFailed === undefined) return
  const { removalFailed: _, ...others } = status
  await rows.resources.setStatus(key, { status: others })
}

function stuckProblem({ id, status }: ResourceRow): Problem {
  const why = typeof status.removalFailed === 'string' ? ` ${status.removalFailed}` : ''
  const message = `'${id}' could not be deleted.${why} Mend the cause and delete the resource group again.`
  return { code: 'Conflict', message }
}

/** Deployments below begin nothing more. */
async function endDeployments(rows: Rows, key: string, nowMs: number): Promise<void> {
  for (;;) {
    const active = await rows.deployments.activeBelow(key, deploymentsAtOnce)
    for (const deployment of active) {
      await rows.deployments.cancel(deployment, nowMs)
      await rows.operations.finish(deployment.run, { ...preempted, endedMs: nowMs })
    }
    if (active.length < deploymentsAtOnce) return
  }
}

async function endOperations(rows: Rows, key: string, nowMs: number): Promise<void> {
  for (const operation of await rows.operations.unfinishedOf(key)) {
    if (operation.verb === 'delete') continue
    await rows.operations.finish(operation.id, { ...preempted, endedMs: nowMs })
  }
}

const preempted = {
  status: 'Canceled',
  error: {
    code: 'OperationPreempted',
    message: 'The operation was preempted: its resource group is being deleted.',
  },
  output: undefined,
} as const
