import { access, chmod, constants, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StartError } from './base/start-error.ts'

/**
 * Makes the data folder (an absolute path), readable by its owner alone. Throws StartError when it cannot be: level by
 * level, because making all levels at once never ends on some file systems (`/proc`).
 */
export async function prepareDataFolder(path: string): Promise<void> {
  try {
    await makeFolder(path)
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new StartError(
      `The data folder ${path} cannot be used: ${reasonOf(error)}. Choose another one with --data.`,
      { cause: error },
    )
  }
}

async function makeFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (found?.isDirectory()) return
  if (found) throw new Error(`${path} is a file`)
  if (dirname(path) !== path) await makeFolder(dirname(path))
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
}

/** Files of an earlier start that others may read are closed to them. */
export async function closeToOthers(paths: readonly string[]): Promise<void> {
  for (const path of paths)
    await chmod(path, 0o600).catch((error: unknown) => {
      if (!['ENOENT', 'EPERM'].includes(codeOf(error))) throw error
    })
}

function reasonOf(error: unknown): string {
  const code = codeOf(error)
  return reasons[code] ?? (error instanceof Error ? error.message : String(error))
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'it lies on a read-only file system',
  ENOTDIR: 'a part of its path is a file',
  ENOENT: 'no folder can be made there',
  ENOSPC: 'there is no room left',
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
