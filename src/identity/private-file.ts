import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Creates the file with mode 0600 from its first byte, unless it is there, and returns what it holds afterwards: of
 * several racing processes all get the same text, and none ever sees half of it. Durable once resolved.
 */
export async function claimPrivateFile(path: string, text: string): Promise<string> {
  const held = await readTextFile(path)
  if (held !== undefined) return held
  const temporary = await writeBeside(path, text, 0o600)
  try {
    await link(temporary, path)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  } finally {
    await unlink(temporary)
  }
  await syncFolder(dirname(path))
  return readFile(path, 'utf8')
}

/** Puts `text` in place of what the file held, whole or not at all. Durable once resolved. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const temporary = await writeBeside(path, text, mode)
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Undefined when there is no such file. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function writeBeside(path: string, text: string, mode: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(8).toString('hex')}`
  const file = await open(temporary, 'wx', mode)
  try {
    // The process's umask must not take a public file from its readers.
    await file.chmod(mode)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  return temporary
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
