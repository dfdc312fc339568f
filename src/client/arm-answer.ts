import type { Json } from '../domain/rows.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'

/** A successful answer; what `wait` needs to follow it. */
export type ArmAnswer = {
  readonly method: HttpRequest['method']
  /** Absolute. */
  readonly url: string
  readonly status: number
  readonly headers: HttpAnswer['headers']
  /** Undefined when the answer has none. */
  readonly body: Json | undefined
}
