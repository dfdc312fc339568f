import type { Blobs } from '../../src/blobs/blobs.ts'
import type { HoldingRows, UploadRows } from '../../src/domain/holdings.ts'
import type { Rows, Store } from '../../src/store/store.ts'

/** The process dies at its nth change: before it takes effect, or when it has and nobody was told. */
export type Death = { readonly call: number; readonly when: 'before' | 'after' }

/** What every port of a dead process answers. */
export class Died extends Error {
  override readonly name = 'Died'
}

export type Life = ReturnType<typeof openLife>

/**
 * One run of a process. Each call that changes something durable goes through `change` and has a number, from 1. From its
 * death on no call takes effect or answers.
 */
export function openLife(death?: Death) {
  const names: string[] = []
  const inFlight = new Set<Promise<unknown>>()
  const ended = Promise.withResolvers<void>()
  let over = false

  function end(): void {
    over = true
    ended.resolve()
  }

  function check(): void {
    if (over) throw new Died(`died at ${names.length}`)
  }

  /** Numbers a change that is about to happen; answers whether the process dies of it when it has happened. */
  function begin(name: string): boolean {
    check()
    names.push(name)
    const isLast = death?.call === names.length
    if (isLast && death.when === 'before') end()
    check()
    return isLast
  }

  async function track<Result>(act: () => Promise<Result>): Promise<Result> {
    const run = act()
    inFlight.add(run)
    try {
      return await run
    } finally {
      inFlight.delete(run)
    }
  }

  async function change<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    const dies = begin(name)
    const result = await track(act)
    if (dies) end()
    check()
    return result
  }

  async function look<Result>(act: () => Promise<Result>): Promise<Result> {
    check()
    const result = await track(act)
    check()
    return result
  }

  return {
    begin,
    change,
    look,
    end,
    check,
    /** What was changed so far, in order. */
    names: () => names,
    isOver: () => over,
    ended: ended.promise,
    /** Resolves when nothing that was begun can still take effect. */
    async still(): Promise<void> {
      await Promise.allSettled(inFlight)
    },
  }
}

/** The store of a mortal process: a transaction counts as one change, at its first statement that changes rows. */
export function mortalStore(life: Life, inner: Store): Store {
  async function write<Result>(act: (rows: Rows) => Promise<Result>): Promise<Result> {
    let dies = false
    let counted = false
    const mark = (name: string): void => {
      if (counted) return
      counted = true
      dies = life.begin(`write: ${name}`)
    }
    const result = await life.look(() => inner.write((rows) => act(watched(rows, mark))))
    if (dies) life.end()
    life.check()
    return result
  }

  const { holdings, uploads } = mortalRows(life, inner)
  return {
    ...inner,
    write,
    holdings,
    uploads,
    commit: (change) => life.change('commit', () => inner.commit(change)),
    nowMs: () => life.look(inner.nowMs),
    read: lookingAt(life, inner.read),
  }
}

function mortalRows(life: Life, inner: Store): { holdings: HoldingRows; uploads: UploadRows } {
  const { holdings, uploads } = inner
  return {
    holdings: {
      ...lookingAtGroup(life, holdings),
      intend: (...given) => life.change('intend', () => holdings.intend(...given)),
      landed: (...given) => life.change('landed', () => holdings.landed(...given)),
      claim: (...given) => life.change('claim', () => holdings.claim(...given)),
      sweep: (...given) => life.change('sweep', () => holdings.sweep(...given)),
      forget: (...given) => life.change('forget', () => holdings.forget(...given)),
      release: (...given) => life.change('release', () => holdings.release(...given)),
      foundGood: (...given) => life.change('found good', () => holdings.foundGood(...given)),
      foundBad: (...given) => life.change('found bad', () => holdings.foundBad(...given)),
    },
    uploads: {
      ...lookingAtGroup(life, uploads),
      add: (...given) => life.change('page', () => uploads.add(...given)),
      drop: (...given) => life.change('drop pages', () => uploads.drop(...given)),
    },
  }
}

/** Heartbeats come by the clock, so they have no number. */
const changing =
  /^(insert|update|setStatus|delete|put|remove|finish|prune|request|abandon|advance|proceed|cancelOf|take|release|releaseAllOf|add|keep|seal|reseat|putLost|drop|revokeOf|adopt|stage|addPages|assemble|addContainer|addSteps|endStep|removeBelow|carry)$/

/** The rows of one transaction; `mark` hears of each statement that changes something. */
function watched(rows: Rows, mark: (name: string) => void): Rows {
  return eachGroup(rows, (group, method, call) => {
    if (`${group}.${method}` === 'work.claim') return markedWhenFound(call, mark)
    if (!changing.test(method)) return call
    return (...given) => {
      mark(`${group}.${method}`)
      return call(...given)
    }
  })
}

type Call = (...given: unknown[]) => Promise<unknown>

/** A look for work that finds none changes nothing. */
function markedWhenFound(call: Call, mark: (name: string) => void): Call {
  return async (...given) => {
    const found = await call(...given)
    if (found !== undefined) mark('work.claim')
    return found
  }
}

function lookingAt(life: Life, rows: Rows): Rows {
  return eachGroup(rows, (_group, _method, call) => {
    return (...given) => life.look(() => call(...given))
  })
}

function lookingAtGroup<Group extends object>(life: Life, group: Group): Group {
  return eachMethod(group, (_method, call) => {
    return (...given) => life.look(() => call(...given))
  })
}

function eachGroup(rows: Rows, around: (group: string, method: string, call: Call) => Call): Rows {
  return new Proxy(rows, {
    get: (target, group) =>
      eachMethod(Reflect.get(target, group), (method, call) => around(String(group), method, call)),
  })
}

function eachMethod<Group extends object>(
  group: Group,
  around: (method: string, call: Call) => Call,
): Group {
  // Spread into an object of its own: what a group hands out must be its own property.
  const methods = Object.entries(group).map(([name, call]) => [name, around(name, call)])
  return Object.assign({}, group, Object.fromEntries(methods))
}

/** The blobs of a mortal process, of its main thread and of its lanes alike. */
export function mortalBlobs(life: Life, inner: Blobs): Blobs {
  return {
    put: (key, bytes, signal) =>
      life.change(`put ${folderOf(key)}`, () => inner.put(key, bytes, signal)),
    delete: (key, signal) =>
      life.change(`delete ${folderOf(key)}`, () => inner.delete(key, signal)),
    read: (key, range, signal) => life.look(() => inner.read(key, range, signal)),
    size: (key, signal) => life.look(() => inner.size(key, signal)),
    list: (prefix, signal) => {
      life.check()
      return inner.list(prefix, signal)
    },
  }
}

const folderOf = (key: string): string => key.slice(0, key.indexOf('/'))
