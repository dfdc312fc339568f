import { BlobMissing, BlobShort } from '../blobs/blobs.ts'
import { RegionAway, SpaceFull, Unavailable } from '../domain/errors.ts'
import { SourceSpaceAway } from './lane-protocol.ts'
import { Damaged, FormatUnknown } from './layout.ts'

/** One end of a channel between threads: a Worker, its parentPort, or a MessagePort. */
export type Port = {
  postMessage(value: unknown, transfer: ArrayBuffer[]): void
  on(event: 'message', listener: (value: unknown) => void): unknown
}

/** What one side answers: named functions from one plain value to another. */
export type Handlers = Record<string, (argument: never) => unknown>

export type Caller<Remote extends Handlers> = <Name extends keyof Remote & string>(
  name: Name,
  argument: Parameters<Remote[Name]>[0],
  moves?: readonly ArrayBuffer[] | undefined,
) => Promise<Awaited<ReturnType<Remote[Name]>>>

type Message =
  | { is: 'call'; id: number; name: string; argument: never }
  | { is: 'result'; id: number; value: unknown }
  | { is: 'error'; id: number; error: PlainError }

/** Calls in both directions over one port. `fail` ends every call that is still open: the other side is gone. */
export function openRpc<Remote extends Handlers>(
  port: Port,
  local: Handlers,
): { call: Caller<Remote>; fail(error: Error): void } {
  type Waiting = { resolve(value: never): void; reject(error: unknown): void }
  const waiting = new Map<number, Waiting>()
  let calls = 0

  async function answer({ id, name, argument }: Message & { is: 'call' }): Promise<void> {
    try {
      const value = await local[name]?.(argument)
      post({ is: 'result', id, value }, buffersToMove(value))
    } catch (error) {
      post({ is: 'error', id, error: toPlain(error) })
    }
  }

  const post = (message: Message, moves: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...moves])

  port.on('message', (value) => {
    // Both ends are this program: the message is what `post` sent.
    const message = value as Message
    if (message.is === 'call') return void answer(message)
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.is === 'result') call?.resolve(message.value as never)
    else call?.reject(fromPlain(message.error))
  })

  const call: Caller<Remote> = (name, argument, moves) =>
    new Promise((resolve, reject) => {
      const id = calls++
      waiting.set(id, { resolve, reject })
      post({ is: 'call', id, name, argument: argument as never }, moves)
    })

  function fail(error: Error): void {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  return { call, fail }
}

const moved = new WeakMap<object, readonly ArrayBuffer[]>()

/** Marks an answer whose buffers change hands instead of being copied. */
export function moving<Value extends object>(value: Value, buffers: readonly ArrayBuffer[]): Value {
  moved.set(value, buffers)
  return value
}

function buffersToMove(value: unknown): readonly ArrayBuffer[] {
  return (typeof value === 'object' && value !== null && moved.get(value)) || []
}

type PlainError = { readonly name: string; readonly message: string; readonly stack: string }

/** Errors whose class decides what happens next keep it across threads. */
const kept = {
  BlobMissing,
  BlobShort,
  SpaceFull,
  RegionAway,
  Unavailable,
  Damaged,
  FormatUnknown,
  SourceSpaceAway,
}

function toPlain(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: '' }
  // The finer kinds of Unavailable are for people, who have the message.
  const isFiner = error instanceof Unavailable && !(error.name in kept)
  const name = isFiner ? 'Unavailable' : error.name
  return { name, message: error.message, stack: error.stack ?? '' }
}

function fromPlain({ name, message, stack }: PlainError): Error {
  const known = Object.entries(kept).find(([knownName]) => knownName === name)?.[1]
  const error = known ? new known(message) : Object.assign(new Error(message), { name })
  error.stack = stack
  return error
}
