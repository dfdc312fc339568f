import { Worker } from 'node:worker_threads'
import { Unavailable } from '../domain/errors.ts'
import type { LaneHandlers, OwnerHandlers, SessionHandlers } from './lane-protocol.ts'
import { type Caller, openRpc, type Port } from './rpc.ts'

/** A running lane: its port, how to stop it, and how it tells that it stopped by itself. */
export type LaneThread = {
  readonly port: Port
  stop(): Promise<void>
  onStopped(listener: (error: Error) => void): void
}

type Call = Caller<LaneHandlers>

export type Lane = {
  readonly call: Call
  /** Calls that are not answered yet. */
  busy(): number
}

/** The threads that hash, pack, unpack and check. */
export type Lanes = {
  readonly count: number
  /** Every lane, for what uses all of them. */
  all(): readonly Lane[]
  /** Has the least busy lane do one thing. Throws what it throws, Unavailable when the lane dies. */
  readonly call: Call
  /** Answers the calls that lanes make about a session, until the function returned is called. */
  listen(session: string, handlers: SessionHandlers): () => void
  /** Stops the threads; calls that are open end with Unavailable. */
  close(): Promise<void>
}

/** Starts `count` lanes. A lane that dies is started again; what it was doing fails as Unavailable. */
export function openLanes({
  count,
  start = startThread,
}: {
  readonly count: number
  start?: () => LaneThread
}): Lanes {
  const sessions = new Map<string, SessionHandlers>()
  const owner: OwnerHandlers = {
    wanted: ({ session, ...order }) => ownerOf(session).wanted(order),
    intend: ({ session, ...pack }) => ownerOf(session).intend(pack),
    landed: ({ session, ...pack }) => ownerOf(session).landed(pack),
  }
  const lanes = Array.from({ length: count }, () => openLane(start, owner))

  function ownerOf(session: string): SessionHandlers {
    const handlers = sessions.get(session)
    if (handlers === undefined) throw new Unavailable('the session is over')
    return handlers
  }

  const leastBusy = (): Lane | undefined =>
    lanes.reduce<Lane | undefined>(
      (best, lane) => (best === undefined || lane.busy() < best.busy() ? lane : best),
      undefined,
    )

  return {
    count,
    all: () => lanes,
    call: (name, argument, moves) => {
      const lane = leastBusy()
      if (lane === undefined) throw new Unavailable('there are no lanes')
      return lane.call(name, argument, moves)
    },
    listen: (session, handlers) => {
      sessions.set(session, handlers)
      return () => void sessions.delete(session)
    },
    close: async () => void (await Promise.all(lanes.map((lane) => lane.close()))),
  }
}

function openLane(start: () => LaneThread, owner: OwnerHandlers) {
  let calls = 0
  let closed = false
  let running: { thread: LaneThread; call: Call; fail(error: Error): void } | undefined

  function begin() {
    const thread = start()
    const begun = { thread, ...openRpc<LaneHandlers>(thread.port, owner) }
    thread.onStopped((error) => {
      if (running === begun) running = undefined
      begun.fail(new Unavailable(`a lane stopped: ${error.message}`))
    })
    return begun
  }

  const call: Call = (name, argument, moves) => {
    if (closed) return Promise.reject(new Unavailable('the lanes are closed'))
    running ??= begin()
    calls += 1
    return running.call(name, argument, moves).finally(() => {
      calls -= 1
    })
  }

  async function close(): Promise<void> {
    closed = true
    const stopping = running
    running = undefined
    await stopping?.thread.stop()
    stopping?.fail(new Unavailable('the lanes are closed'))
  }

  return { call, busy: () => calls, close }
}

function startThread(): LaneThread {
  const worker = new Worker(new URL('./lane-worker.ts', import.meta.url), {
    name: 'vitrine-lane',
    // Chunks come and go outside of the heap; a small young space has their shells collected soon.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  })
  return {
    port: worker,
    stop: async () => void (await worker.terminate()),
    onStopped: (listener) => {
      worker.on('error', listener)
      worker.on('exit', (code) => listener(new Error(`exit code ${code}`)))
    },
  }
}
