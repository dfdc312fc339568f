import { invariant } from '../base/assert.ts'
import { mapBounded } from '../base/bounded.ts'
import { openLru } from '../base/lru.ts'
import type { KeptPrincipal } from '../domain/access.ts'
import type { DeploymentRow } from '../domain/deployments.ts'
import { deployKind } from '../domain/deployments.ts'
import { parseResourceId } from '../domain/resource-id.ts'
import type { WorkRow } from '../domain/rows.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import { positionIn } from '../templates/places.ts'
import { openSecrets } from './accept.ts'
import { leftSteps } from './complete-mode.ts'
import { conclude, endDeployment } from './conclude.ts'
import { isUnderWay, readySteps } from './order.ts'
import { groupOf, planRequest } from './plan-request.ts'
import type { DeployPorts } from './ports.ts'
import type { Deploying } from './run-step.ts'
import { lookAt, runStep } from './run-step.ts'
import { hidingOf, secretTexts } from './secrets.ts'

/** Deployments whose plans are kept in memory: the same at each look. */
const plansMax = 32
/** The end of what is waited for wakes this work; a look besides, for a wake that two transactions missed. */
const lookAgainMs = 5_000
/** Requests of one deployment at the same time. */
const requestsAtOnce = 4

/**
 * Carries a deployment out: writes its resources in their order, each as a request of whoever asked, judged anew; then, in
 * complete mode, deletes what else is in the group; then works out its outputs.
 */
export function deploy(ports: DeployPorts): Work {
  const { store } = ports.providers
  const plans = openLru<string, Promise<Deploying | undefined>>(plansMax)

  /** Undefined: it has ended, was taken away, or another run has its name by now, which begins with the first step. */
  async function deployingOf(work: WorkRow): Promise<Deploying | undefined> {
    const row = await store.read.deployments.get(work.subject)
    if (!row || row.endedMs !== undefined || !isOf(work, row)) return undefined
    const kept = plans.get(row.run) ?? openDeploying(ports, row)
    plans.set(row.run, kept)
    // A plan that could not be made is made again.
    kept.catch(() => plans.delete(row.run))
    const deploying = await kept
    return deploying && { ...deploying, row }
  }

  /** Begins all that may begin, until nothing more can now. */
  async function writeAll({ row: work, state, write }: Running): Promise<Outcome> {
    const deploying = await deployingOf(work)
    if (!deploying) return { is: 'done' }
    const { row, plan } = deploying
    for (;;) {
      const steps = await store.read.deployments.steps(row.key)
      const running = steps.filter(isUnderWay)
      const looked = await mapBounded(running, requestsAtOnce, (step) =>
        lookAt({ deploying, ports, write }, step),
      )
      const moved = looked.some((hasMoved) => hasMoved)
      const ready = moved ? [] : readySteps(plan, steps)
      await mapBounded(ready, requestsAtOnce, (step) => runStep({ deploying, ports, write }, step))
      if (moved || ready.length > 0) continue
      if (running.length > 0) return { is: 'wait', state, forMs: lookAgainMs }
      return { is: 'next', state }
    }
  }

  /** In complete mode: what is in the group and not in the template becomes steps, once. */
  async function listLeft({ row: work, state, write }: Running): Promise<Outcome> {
    const deploying = await deployingOf(work)
    if (!deploying) return { is: 'done' }
    const left = await leftSteps(ports, deploying)
    await write(async (rows) => {
      if (!(await isStill(rows, deploying.row))) return
      const steps = await rows.deployments.steps(deploying.row.key)
      if (!steps.some(({ verb }) => verb === 'Delete')) await rows.deployments.addSteps(left)
    })
    return { is: 'next', state }
  }

  async function end({ row: work, write }: Running): Promise<Outcome> {
    const deploying = await deployingOf(work)
    if (!deploying) return { is: 'done' }
    const ended = await conclude(ports, deploying)
    const nowMs = await store.nowMs()
    await write((rows) => endDeployment(rows, deploying.row, ended, nowMs))
    return { is: 'done' }
  }

  const failed: Failed = async (rows, work, { problem, nowMs }) => {
    const row = await rows.deployments.lock(work.subject)
    if (!row || row.endedMs !== undefined || !isOf(work, row)) return
    const { code, message } = problem
    await endDeployment(rows, row, { state: 'Failed', error: { code, message } }, nowMs)
  }

  return {
    kind: deployKind,
    steps: { write: writeAll, listLeft, removeLeft: writeAll, end },
    failed,
  }
}

/**
 * A deployment with its plan: the same one as when it was accepted, from the values that its parameters had then. Undefined:
 * another run took its name meanwhile.
 */
async function openDeploying(
  ports: DeployPorts,
  row: DeploymentRow,
): Promise<Deploying | undefined> {
  const target = parseResourceId(row.id)
  invariant(target, 'a deployment has an id')
  const sent = await ports.providers.store.read.deployments.templateOf(row)
  if (sent === undefined) return undefined
  const secrets = openSecrets(ports, row)
  const { location, properties } = row.doc
  const mode =
    (properties as { readonly mode?: unknown } | undefined)?.mode === 'Complete'
      ? 'Complete'
      : 'Incremental'
  const request = {
    template: secrets.template ?? JSON.parse(sent),
    parameters: secrets.parameters,
    mode,
    location: secrets.location ?? (typeof location === 'string' ? location : undefined),
  } as const
  const group = await groupOf(ports, target)
  // Written by `principalOf` of `accept.ts`.
  const principal = row.principal as unknown as KeptPrincipal
  const caller = await ports.callerAgain(principal)
  const at = { nowMs: row.startedMs, newGuid: () => row.run }
  const plan = await planRequest(ports, { caller, target, request, group, ...at })
  const secretsHere = [...secretTexts(plan), ...secrets.outer]
  const { places = {} } = secrets
  return {
    ...{ row, plan, principal, secretTexts: secretsHere, hide: hidingOf(secretsHere) },
    positionOf: (path) => positionIn(places, path),
  }
}

/** Not when it goes on in the step in which the run before this one was cancelled. */
function isOf(work: WorkRow, row: DeploymentRow): boolean {
  return work.generation === row.startedMs
}

/** True while this run is the one that its name stands for, and has not ended. */
async function isStill(rows: Rows, { key, run }: DeploymentRow): Promise<boolean> {
  const now = await rows.deployments.lock(key)
  return now?.run === run && now.endedMs === undefined
}
