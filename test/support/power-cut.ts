import { open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { type Files, systemFiles } from '../../src/blobs/disk.ts'

/** What a file name stands for: a folder, or one file, whatever it is called by now. */
type Node = number | 'folder'

type Entry = {
  readonly is: 'entry'
  readonly folder: string
  readonly name: string
  readonly node: Node | undefined
}
type Written = { readonly is: 'written'; readonly file: number; readonly bytes: Buffer }
type Event<Mark> =
  | ((Entry | Written) & { readonly id: number })
  /** What these did survives a power cut from here on. */
  | { readonly is: 'durable'; readonly ids: readonly number[] }
  | { readonly is: 'mark'; readonly mark: Mark }

/** What may lie on the disk after a power cut: by path, whole or as far as it got. */
export type Recovered<Mark> = {
  /** The last thing that was marked before. */
  readonly mark: Mark | undefined
  readonly files: ReadonlyMap<string, { readonly isWhole: boolean; bytes(): Buffer }>
}

/** Of a write that was not synced: nothing, all, the first half, or as many zeros. */
const fates = ['lost', 'kept', 'torn', 'zeros'] as const
type Fate = (typeof fates)[number]

/** States looked at for each moment: all of them where they are few. */
const statesMax = 192

export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

/**
 * Files below `base` (which is durable itself) that keep book of every change and of what is synced, and can be told to lose their
 * power at a change. As POSIX has it: a write lasts when its file was synced behind it, a name when its folder was; what was not synced may be there or
 * not, each by itself, in any order, and a write in part.
 */
export function openPowerCut<Mark>(base: string) {
  const events: Event<Mark>[] = []
  const nodes = new Map<string, Node>([[base, 'folder']])
  let ids = 0
  let files = 0
  let left = Number.POSITIVE_INFINITY
  const volatile = new Map<number, Entry | Written>()

  /** The power fails at this change, and nothing happens any more. */
  function change(): void {
    if (left <= 0) throw new PowerCut('the power is cut')
    left -= 1
  }

  function note(event: Entry | Written): void {
    const id = ids++
    volatile.set(id, event)
    events.push({ ...event, id })
  }

  function setEntry(path: string, node: Node | undefined): void {
    if (node === undefined) nodes.delete(path)
    else nodes.set(path, node)
    note({ is: 'entry', folder: dirname(path), name: basename(path), node })
  }

  async function sync(covers: (event: Entry | Written) => boolean, act: () => Promise<void>) {
    change()
    const covered = [...volatile].filter(([, event]) => covers(event)).map(([id]) => id)
    await act()
    for (const id of covered) volatile.delete(id)
    events.push({ is: 'durable', ids: covered })
  }

  const recording: Files = {
    async open(path, flags, mode) {
      if (flags === 'r') {
        const handle = await systemFiles.open(path, flags)
        const inFolder = (event: Entry | Written) => event.is === 'entry' && event.folder === path
        return {
          write: () => Promise.reject(new Error('a folder is not written')),
          datasync: () => Promise.reject(new Error('a folder is synced')),
          sync: () => sync(inFolder, () => handle.sync()),
          close: () => handle.close(),
        }
      }
      change()
      const handle = await open(path, flags, mode)
      const file = files++
      setEntry(path, file)
      const write = async (bytes: Uint8Array, from: number) => {
        change()
        const result = await handle.write(bytes, from)
        const written = bytes.subarray(from, from + result.bytesWritten)
        note({ is: 'written', file, bytes: Buffer.from(written) })
        return result
      }
      const ofFile = (event: Entry | Written) => event.is === 'written' && event.file === file
      return {
        write,
        datasync: () => sync(ofFile, () => handle.datasync()),
        sync: () => sync(ofFile, () => handle.sync()),
        close: () => handle.close(),
      }
    },
    async rename(from, to) {
      change()
      await systemFiles.rename(from, to)
      const node = nodes.get(from)
      setEntry(from, undefined)
      setEntry(to, node)
    },
    async mkdir(path) {
      change()
      await systemFiles.mkdir(path)
      setEntry(path, 'folder')
    },
    async rm(path) {
      change()
      await systemFiles.rm(path)
      setEntry(path, undefined)
    },
  }

  return {
    files: recording,
    /** What is promised from now on, as the test understands it. */
    mark: (mark: Mark) => void events.push({ is: 'mark', mark }),
    changes: () => ids,
    cutAfter: (changes: number) => {
      left = changes
    },
    isCut: () => left <= 0,
    /** Every state that a cut at any moment may leave, or many of them where there are too many. */
    everyCut: () => everyCut<Mark>(base, events),
    /** What a cut now leaves when all that was not synced is lost. */
    lostNow: () => stateAt(base, events, new Map([...volatile.keys()].map((id) => [id, 'lost']))),
  }
}

function* everyCut<Mark>(base: string, events: readonly Event<Mark>[]): Generator<Recovered<Mark>> {
  let random = 1
  const draw = (count: number): number => {
    random = Math.imul(random, 48_271) >>> 0
    return (random >>> 8) % count
  }
  const volatile = new Map<number, readonly Fate[]>()
  for (const [at, event] of events.entries()) {
    if (event.is === 'entry') volatile.set(event.id, ['lost', 'kept'])
    if (event.is === 'written') volatile.set(event.id, fates)
    if (event.is === 'durable') for (const id of event.ids) volatile.delete(id)
    const choices = [...volatile]
    const states = choices.reduce((product, [, some]) => product * some.length, 1)
    for (let state = 0; state < Math.min(states, statesMax); state++) {
      let rest = state
      const fateOf = ([id, some]: (typeof choices)[number]): [number, Fate] => {
        const pick = states <= statesMax ? rest % some.length : draw(some.length)
        rest = Math.floor(rest / some.length)
        return [id, some[pick] ?? 'lost']
      }
      yield stateAt(base, events.slice(0, at + 1), new Map(choices.map(fateOf)))
    }
  }
}

function stateAt<Mark>(
  base: string,
  events: readonly Event<Mark>[],
  fate: ReadonlyMap<number, Fate>,
): Recovered<Mark> {
  const entries = new Map<string, Node>()
  const contents = new Map<number, { parts: (() => Buffer)[]; isWhole: boolean }>()
  let mark: Mark | undefined
  for (const event of events) {
    if (event.is === 'mark') mark = event.mark
    if (event.is === 'entry' && (fate.get(event.id) ?? 'kept') === 'kept') {
      const path = `${event.folder}/${event.name}`
      if (event.node === undefined) entries.delete(path)
      else entries.set(path, event.node)
    }
    if (event.is === 'written') {
      const content = contents.get(event.file) ?? { parts: [], isWhole: true }
      const how = fate.get(event.id) ?? 'kept'
      if (how !== 'kept') content.isWhole = false
      content.parts.push(() => fated(event.bytes, how))
      contents.set(event.file, content)
    }
  }
  const isThere = (path: string): boolean =>
    path === base || (entries.get(path) === 'folder' && isThere(dirname(path)))
  const files = [...entries].flatMap(([path, node]) => {
    if (node === 'folder' || !isThere(dirname(path))) return []
    const { parts, isWhole } = contents.get(node) ?? { parts: [], isWhole: false }
    return [[path, { isWhole, bytes: () => Buffer.concat(parts.map((part) => part())) }] as const]
  })
  return { mark, files: new Map(files) }
}

function fated(bytes: Buffer, how: Fate): Buffer {
  if (how === 'kept') return bytes
  if (how === 'zeros') return Buffer.alloc(bytes.length)
  return how === 'torn' ? bytes.subarray(0, bytes.length >> 1) : Buffer.alloc(0)
}
