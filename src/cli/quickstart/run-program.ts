import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** Where programs for administrators lie, which are often not on a person's PATH; also where Homebrew keeps e2fsprogs. */
const path = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/opt/homebrew/opt/e2fsprogs/sbin',
  '/usr/local/opt/e2fsprogs/sbin',
].join(':')

/** The same disk from the same files: file system times do not come from the clock. */
const fixedTime = '1767225600'

/** Runs a program to its end; true when it succeeded, false when it failed or is not there. */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: { readonly folder: string; readonly signal: AbortSignal },
): Promise<boolean> {
  const child = spawn(name, args, {
    cwd: options.folder,
    env: { PATH: path, E2FSPROGS_FAKE_TIME: fixedTime, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: options.signal,
  })
  const ended = new Promise<boolean>((resolve) => {
    child.on('error', () => resolve(false))
    child.on('exit', (code) => resolve(code === 0))
  })
  await text(child.stderr).catch(() => '')
  const succeeded = await ended
  options.signal.throwIfAborted()
  return succeeded
}
