import type { DeploymentRow, StepRow } from '../domain/deployments.ts'
import { sameType } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import { isObject } from '../resources/paths.ts'
import type { Rows } from '../store/store.ts'
import type { TemplatePath } from '../templates/problem.ts'
import { atPosition } from '../templates/told-problem.ts'
import { resolved } from './facts.ts'
import { type DeployPorts, deploymentType } from './ports.ts'
import type { Deploying } from './run-step.ts'
import { toldOf } from './told-error.ts'

/** How a deployment ends. */
export type Ended =
  | {
      readonly state: 'Succeeded'
      readonly outputs: JsonObject
      /** Left out where it is not known any more. */
      readonly outputResources: readonly string[] | undefined
    }
  | { readonly state: 'Failed'; readonly error: JsonObject }

/** What became of all steps, and the outputs. Throws Unavailable. */
export async function conclude(ports: DeployPorts, deploying: Deploying): Promise<Ended> {
  const { row, plan, principal, hide, positionOf } = deploying
  const rows = ports.providers.store.read
  const steps = await rows.deployments.steps(row.key)
  const failures = steps.filter(({ state }) => state === 'Failed')
  if (failures.length > 0) return { state: 'Failed', error: failureOf(deploying, failures) }
  const caller = await ports.callerAgain(principal)
  const asked = { caller, correlationId: row.correlationId, hide }
  try {
    const { send, typeOf } = ports
    const reading = { asked, send, typeOf, subjectOf: outputAt, positionOf }
    const outputs = await resolved(reading, plan.outputs)
    const written = await outputResources(rows, steps)
    return { state: 'Succeeded', outputs: hide(outputs), outputResources: written }
  } catch (error) {
    const told = toldOf(error)
    if (!told) throw error
    return { state: 'Failed', error: hide(outputFailure(told.error)) }
  }
}

function outputAt([, name]: TemplatePath): string {
  return name === undefined ? 'the outputs' : `output '${name}'`
}

/** Resources that the message of a failure names; the details tell of all. */
const namedMax = 5

function failureOf({ row, plan, hide, positionOf }: Deploying, failures: readonly StepRow[]) {
  const named = failures.slice(0, namedMax).flatMap(({ resourceKey }) => {
    const resource = plan.resources.find(({ key }) => key === resourceKey)
    const position = resource && positionOf(resource.path)
    return resource && position ? [`'${resource.name}'${atPosition(position)}`] : []
  })
  const failed = named.length > 0 ? ` Failed: ${named.join(', ')}.` : ''
  const message = `At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.${failed}`
  const details = failures.flatMap(({ error }) => error ?? [])
  return { code: 'DeploymentFailed', target: row.id, message: hide(message), details }
}

function outputFailure(inner: JsonObject): JsonObject {
  return {
    code: 'DeploymentOutputEvaluationFailed',
    message:
      'Unable to evaluate template outputs. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.',
    details: [inner],
  }
}

/**
 * The ids of what was written, in nested deployments too; undefined when one of those was forgotten or replaced since, so
 * that nobody knows any more what it wrote.
 */
export async function outputResources(
  rows: Rows,
  steps: readonly StepRow[],
): Promise<readonly string[] | undefined> {
  const ids: string[] = []
  for (const step of steps) {
    if (step.state !== 'Succeeded' || step.verb === 'Delete') continue
    if (!sameType(step.resourceType, deploymentType)) ids.push(step.resourceId)
    else {
      const nested = await rows.deployments.get(step.resourceKey)
      const written = nested && nested.run === step.operation ? shownIds(nested) : undefined
      if (!written) return undefined
      ids.push(...written)
    }
  }
  return [...new Set(ids)]
}

function shownIds({ doc }: DeploymentRow): readonly string[] | undefined {
  const written = isObject(doc.properties) ? doc.properties.outputResources : undefined
  if (!Array.isArray(written)) return undefined
  return written.flatMap((each: unknown) =>
    isObject(each) && typeof each.id === 'string' ? [each.id] : [],
  )
}

/** Writes the end, with the end of its operation; nothing when it has ended otherwise by now. */
export async function endDeployment(
  rows: Rows,
  { key, run }: Pick<DeploymentRow, 'key' | 'run'>,
  ended: Ended,
  nowMs: number,
): Promise<void> {
  const row = await rows.deployments.lock(key)
  if (row?.run !== run || row.endedMs !== undefined) return
  const { properties } = row.doc
  const more =
    ended.state === 'Succeeded'
      ? {
          outputs: ended.outputs,
          ...(ended.outputResources && {
            outputResources: ended.outputResources.map((id) => ({ id })),
          }),
        }
      : { error: ended.error }
  const doc = { ...row.doc, properties: { ...(isObject(properties) ? properties : {}), ...more } }
  const { state } = ended
  const over = { doc, state, sealed: undefined, updatedMs: nowMs, endedMs: nowMs }
  await rows.deployments.update({ key, run, ...over })
  const error =
    ended.state === 'Failed'
      ? { code: String(ended.error.code), message: String(ended.error.message) }
      : undefined
  const end = { status: ended.state, error, output: undefined, endedMs: nowMs }
  await rows.operations.finish(run, end)
}
