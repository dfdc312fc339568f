import type { Unavailable } from '../domain/errors.ts'
import type { Problem } from '../domain/problem.ts'
import type { JsonObject, WorkRow } from '../domain/rows.ts'
import type { Rows } from '../store/store.ts'

/**
 * What a step answers. `next` goes to the step below it (after the last one the work is done), `wait` runs the same step
 * again later, `elsewhere` runs it again by the hands of another queue, `done` ends the work here, `failed` ends it with a
 * reason.
 */
export type Outcome =
  | { readonly is: 'next'; readonly state: JsonObject }
  | { readonly is: 'wait'; readonly state: JsonObject; readonly forMs: number }
  | { readonly is: 'elsewhere'; readonly state: JsonObject; readonly queue: string }
  | { readonly is: 'done' }
  | { readonly is: 'failed'; readonly problem: Problem }

/** What a step is given. Everything it awaits takes `signal`: it fires when the lease is lost or the work is to stop. */
export type Running = {
  readonly row: WorkRow
  /** What the step before returned. */
  readonly state: JsonObject
  readonly signal: AbortSignal
  /** One transaction that is refused (throws LeaseLost) when another worker has the row by now. */
  write<Result>(act: (rows: Rows) => Promise<Result>): Promise<Result>
}

export type Step = (running: Running) => Promise<Outcome>

/** A durable, repeatable job for one subject. The order of `steps` is the protocol; each may run twice. */
export type Work = {
  readonly kind: string
  readonly steps: Readonly<Record<string, Step>>
  /** A duty: no failure ends it. It rests instead, and begins again from its first step. */
  readonly isRecurring?: true
  /** Runs once when the work ends badly: writes what clients see. In the transaction that ends the row. */
  readonly failed?: Failed
  /** Runs when a step is to be tried again for what `why` says: writes what clients see. In the transaction that gives the row back. */
  waits?(rows: Rows, row: WorkRow, why: Unavailable): Promise<void>
  /** Runs when a delete or cancel stopped it. In the transaction that ends the row. */
  stopped?(rows: Rows, row: WorkRow): Promise<void>
}

/** `nowMs` is the database's clock: inside a transaction nobody asks it on another connection. */
export type Failed = (
  rows: Rows,
  row: WorkRow,
  end: { readonly problem: Problem; readonly nowMs: number },
) => Promise<void>

/** Another worker took the row over: whatever this one was doing is void. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}
