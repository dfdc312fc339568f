import { createHash } from 'node:crypto'
import { type Caller, mustBeAllowed } from '../domain/access.ts'
import type { DeploymentRow, StepRow } from '../domain/deployments.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { keyOf, type ResourceId } from '../domain/resource-id.ts'
import type { Rows } from '../store/store.ts'
import { groupOf } from './plan-request.ts'
import { type DeploymentPorts, deploymentType } from './ports.ts'

type Reader = Pick<DeploymentPorts, 'providers'>

/** Throws AuthorizationFailed, ResourceGroupNotFound, DeploymentNotFound. */
export async function readDeployment(
  ports: Reader,
  caller: Caller,
  target: ResourceId,
  action = 'read',
): Promise<DeploymentRow> {
  mustBeAllowed(caller, `${deploymentType}/${action}`, target.text)
  const row = await ports.providers.store.read.deployments.get(target.key)
  if (row) return row
  await groupOf(ports, target)
  throw deploymentNotFound(target)
}

export function deploymentNotFound({ name }: ResourceId): ArmError {
  return new ArmError('DeploymentNotFound', `Deployment '${name}' could not be found.`)
}

/** One page of those directly at the scope, of one state if it is named. `next`: where to go on. */
export async function listDeployments(
  ports: Reader,
  caller: Caller,
  scope: ResourceId,
  asked: {
    readonly filter: string | undefined
    readonly top: string | undefined
    readonly after: string | undefined
  },
): Promise<{ readonly rows: readonly DeploymentRow[]; readonly next: string | undefined }> {
  mustBeAllowed(caller, `${deploymentType}/read`, scope.text)
  await groupOf(ports, scope)
  const top = topOf(asked.top)
  const rowsMax = Math.min(top ?? limits.pageRows, limits.pageRows)
  const after = asked.after === undefined ? undefined : keyIn(asked.after, scope)
  const query = { scopeKey: keyOf(scope.text), states: statesIn(asked.filter), after }
  const found = await ports.providers.store.read.deployments.list({
    ...query,
    rowsMax: rowsMax + 1,
  })
  const rows = found.slice(0, rowsMax)
  const isMore = found.length > rowsMax && top === undefined
  const last = rows.at(-1)
  return { rows, next: isMore && last ? Buffer.from(last.name).toString('base64url') : undefined }
}

function keyIn(after: string, scope: ResourceId): string {
  const name = Buffer.from(after, 'base64url').toString('utf8')
  return `${keyOf(scope.text)}/providers/${deploymentType}/${name}`.toLowerCase()
}

function topOf(top: string | undefined): number | undefined {
  if (top === undefined) return undefined
  const number = Number(top)
  if (Number.isInteger(number) && number > 0) return number
  throw new ArmError('InvalidParameter', `$top must be a whole number above 0.`, '$top')
}

const states = ['Accepted', 'Running', 'Succeeded', 'Failed', 'Canceled'] as const

function statesIn(filter: string | undefined): readonly DeploymentRow['state'][] | undefined {
  if (filter === undefined || filter.trim() === '') return undefined
  const [, said] = /^\s*provisioningState\s+eq\s+'([^']*)'\s*$/i.exec(filter) ?? []
  if (said !== undefined) {
    return states.filter((state) => state.toLowerCase() === said.toLowerCase())
  }
  const message = `The $filter '${filter}' is not understood. Use provisioningState eq '…'.`
  throw new ArmError('InvalidParameter', message, '$filter')
}

/** What a deployment did and does, each with its id, the newest last. */
export async function operationsOf(
  rows: Rows,
  row: DeploymentRow,
): Promise<readonly { readonly id: string; readonly step: StepRow }[]> {
  const steps = await rows.deployments.steps(row.key)
  return steps
    .filter(({ startedMs }) => startedMs !== undefined)
    .map((step) => ({ id: operationIdOf(row, step), step }))
}

/** 16 hex digits, as Azure has them. */
function operationIdOf({ run }: DeploymentRow, { position }: StepRow): string {
  const digest = createHash('sha256').update(`${run} ${position}`).digest('hex')
  return digest.slice(0, 16).toUpperCase()
}
