import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** True when the program is on the PATH. */
export function isInstalled(program: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Runs a program to its end and returns what it printed. Throws with its errors when it fails. */
export function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, ...env } } as const
  const { status, stdout, stderr, error } = spawnSync(program, args, options)
  if (error) throw error
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${status}\n${stderr.slice(-2000)}`)
  return stdout
}

/** Seconds that the programs took, one after another. */
export function secondsOfPrograms(
  ...commands: readonly (readonly [string, ...string[]])[]
): number {
  const start = performance.now()
  for (const [program, ...args] of commands) run(program, args)
  return (performance.now() - start) / 1000
}

/** Seconds for a sparse copy that is on the disk at the end: the baseline of everything that stores a disk. */
export function sparseCopy(from: string, to: string): number {
  return secondsOfPrograms(['cp', '--sparse=always', from, to], ['sync', to])
}

/** What others wrote before goes to the disk now, not on our clock. */
export function settle(folder: string): void {
  run('sync', ['-f', folder])
}

/** Bytes that a file or folder takes on the disk. */
export function storedBytes(path: string): number {
  return Number(run('du', ['-s', '--block-size=1', path]).split('\t')[0])
}
