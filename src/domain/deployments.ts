import type { JsonObject } from './rows.ts'

/** The kind of work that carries a deployment out. */
export const deployKind = 'Deploy'

/** `Accepted` and `Running` have unfinished work; the others are final. */
type DeploymentState = 'Accepted' | 'Running' | 'Succeeded' | 'Failed' | 'Canceled'

/** One deployment: the newest run of its name. Its template, of up to a body, stands beside it. */
export type DeploymentRow = {
  /** Lower-cased id: the primary key. */
  readonly key: string
  /** As first sent. */
  readonly id: string
  readonly name: string
  readonly subscription: string
  /** A UUID, another one for each PUT; also the id of its operation. */
  readonly run: string
  readonly state: DeploymentState
  /** What GET shows of it and may be seen by all who may read it. */
  readonly doc: JsonObject
  /** What its work needs and nobody may read, sealed; dropped when it ends. */
  readonly sealed: string | undefined
  /** In whose name it writes. */
  readonly principal: JsonObject
  /** The run of the deployment whose template holds this one. */
  readonly parentRun: string | undefined
  readonly correlationId: string
  /** Epoch milliseconds; of this run. */
  readonly startedMs: number
  readonly updatedMs: number
  readonly endedMs: number | undefined
}

type StepState = 'Waiting' | 'Running' | 'Succeeded' | 'Failed' | 'Canceled'

/** One thing that a deployment does: what it writes or deletes; also one of its operations. */
export type StepRow = {
  readonly deploymentKey: string
  /** From 0, in the order of the plan. */
  readonly position: number
  /** Of the planned resource. */
  readonly resourceKey: string
  readonly resourceId: string
  readonly resourceType: string
  /** Whole: `gallery/definition`. */
  readonly resourceName: string
  readonly verb: 'Create' | 'Delete'
  readonly state: StepState
  /** The operation of the resource that it waits for, or waited for last. */
  readonly operation: string | undefined
  readonly statusCode: number | undefined
  /** The error, once it failed. */
  readonly error: JsonObject | undefined
  readonly startedMs: number | undefined
  readonly endedMs: number | undefined
}

/** What changes of a step. */
type StepEnd = Pick<
  StepRow,
  | 'deploymentKey'
  | 'position'
  | 'state'
  | 'operation'
  | 'statusCode'
  | 'error'
  | 'startedMs'
  | 'endedMs'
>

export type DeploymentRows = {
  get(key: string): Promise<DeploymentRow | undefined>
  /** The row under a row lock, in a `write`. */
  lock(key: string): Promise<DeploymentRow | undefined>
  /** The template of a run as it was sent, as JSON; '' when it is not to be shown. Undefined: the run is not stored any more. */
  templateOf(row: Pick<DeploymentRow, 'key' | 'run'>): Promise<string | undefined>
  /** Makes it, or puts it in the place of the one of the same key; the steps of that one are gone. */
  put(row: DeploymentRow, template: string): Promise<void>
  /** State, doc, sealed and times alone, as long as `run` is the one that is stored. */
  update(
    row: Pick<DeploymentRow, 'key' | 'run' | 'state' | 'doc' | 'sealed' | 'updatedMs' | 'endedMs'>,
  ): Promise<void>
  /** One page of those directly at the scope, by key, from after the key `after`. */
  list(query: {
    readonly scopeKey: string
    readonly states: readonly DeploymentState[] | undefined
    readonly after: string | undefined
    readonly rowsMax: number
  }): Promise<readonly DeploymentRow[]>
  countAt(scopeKey: string): Promise<number>
  /** Deletes the finished ones at the scope that ended first; answers how many (≤ rowsMax). */
  prune(scopeKey: string, rowsMax: number): Promise<number>
  /** Those below a key that are not finished, at most `rowsMax`. */
  activeBelow(key: string, rowsMax: number): Promise<readonly DeploymentRow[]>
  /** Those that a run began and that are not finished, at most `rowsMax`. */
  activeOf(parentRun: string, rowsMax: number): Promise<readonly DeploymentRow[]>
  /** Ends it, and its steps that have not ended, as Canceled. */
  cancel(row: Pick<DeploymentRow, 'key' | 'run'>, nowMs: number): Promise<void>
  remove(key: string): Promise<void>
  /** All below a key, steps too. */
  removeBelow(key: string): Promise<void>
  addSteps(steps: readonly StepRow[]): Promise<void>
  steps(key: string): Promise<readonly StepRow[]>
  endStep(step: StepEnd): Promise<void>
}
