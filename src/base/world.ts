/** One line of the log: a name in kebab case and facts. Never a secret, never a SAS. */
export type LogEvent = {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event: string
  readonly [fact: string]: unknown
}

/** What a program cannot compute: time, fresh ids, waiting, telling. Handed in, so that tests can own it. */
export type World = {
  now(): Date
  /** A fresh UUID (v4), lower case. */
  id(): string
  /** Resolves after `ms`, rejects with the signal's reason when it fires first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  log(event: LogEvent): void
}
