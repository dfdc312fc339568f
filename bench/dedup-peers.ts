import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import { run, storedBytes } from './programs.ts'

/** Bytes that a peer's store grows by when `next` follows `before` into it, as it packs by default. */
export type DedupPeer = {
  readonly name: string
  added(bench: Bench, before: string, next: string): Promise<number>
}

export const restic: DedupPeer = {
  name: 'restic',
  added: (bench, before, next) =>
    inFolder(bench, async (folder) => {
      const repository = join(folder, 'repo')
      const env = { RESTIC_PASSWORD: 'bench' }
      const common = ['--no-cache', '-q', '-r', repository]
      run('restic', [...common, 'init'], env)
      const add = (file: string) =>
        run(
          'sh',
          ['-c', `restic ${common.join(' ')} backup --stdin --stdin-filename d < "$1"`, 'sh', file],
          env,
        )
      return grown(
        repository,
        () => add(before),
        () => add(next),
      )
    }),
}

export const casync: DedupPeer = {
  name: 'casync',
  added: (bench, before, next) =>
    inFolder(bench, async (folder) => {
      const store = join(folder, 'store')
      await mkdir(store)
      const add = (file: string, name: string) =>
        run('casync', ['make', `--store=${store}`, join(folder, `${name}.caibx`), file])
      return grown(
        folder,
        () => add(before, 'one'),
        () => add(next, 'two'),
      )
    }),
}

function grown(path: string, first: () => void, second: () => void): number {
  first()
  run('sync', ['-f', path])
  const had = storedBytes(path)
  second()
  run('sync', ['-f', path])
  return storedBytes(path) - had
}

async function inFolder(bench: Bench, act: (folder: string) => Promise<number>): Promise<number> {
  const folder = join(bench.folder, 'peer')
  await mkdir(folder)
  try {
    return await act(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
