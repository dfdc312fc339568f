import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { Unavailable } from '../domain/errors.ts'
import { readStoreFile, type StoreSeen } from './store-file.ts'

/** What a new file system has by itself, and what of ours says nothing. */
const passedOver = new Set(['lost+found', 'tmp'])
const blobFolders = new Set(['packs', 'roots', 'uploads'])

/** As `lookAtStore`. */
export async function lookAtDiskStore(folder: string): Promise<StoreSeen> {
  try {
    const text = await readFile(join(folder, 'store.json'), 'utf8').catch(undefinedWhenMissing)
    const mount = await mountOf(folder)
    if (text !== undefined) return { is: 'store', owner: readStoreFile(text), mount }
    const names = (await readdir(folder).catch(undefinedWhenMissing)) ?? []
    const left = names.filter((name) => !passedOver.has(name))
    if (left.length === 0) return { is: 'empty', mount }
    return { is: left.every((name) => blobFolders.has(name)) ? 'bare' : 'other', mount }
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    throw new Unavailable(`${folder} cannot be looked at: ${error.message}`, { cause: error })
  }
}

/**
 * The mount on which a folder lies, or would lie. A disk that is not mounted leaves an empty folder behind, which lies on
 * another mount than the disk did: that tells it from one that was emptied.
 */
async function mountOf(folder: string): Promise<string> {
  const path = await nearest(folder)
  const points = await mountPoints()
  const above = points.filter((point) => isBelow(path, point))
  const longest = above.reduce((one, other) => (other.length > one.length ? other : one), '')
  return longest === '' ? await deviceRoot(path) : longest
}

/** The real path of the folder, or of the first one above it that is there. */
async function nearest(folder: string): Promise<string> {
  const real = await realpath(folder).catch(undefinedWhenMissing)
  return real ?? (await nearest(dirname(folder)))
}

function isBelow(path: string, point: string): boolean {
  return point === sep || path === point || path.startsWith(`${point}${sep}`)
}

/** As Linux lists them; none elsewhere. https://docs.kernel.org/filesystems/proc.html, 3.5 */
async function mountPoints(): Promise<readonly string[]> {
  const text = (await readFile('/proc/self/mountinfo', 'utf8').catch(undefinedWhenMissing)) ?? ''
  return text.split('\n').flatMap((line) => {
    const point = line.split(' ')[4]
    return point === undefined ? [] : [unescaped(point)]
  })
}

function unescaped(point: string): string {
  return point.replace(/\\([0-7]{3})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  )
}

/** The highest folder above that lies on the same device. */
async function deviceRoot(path: string): Promise<string> {
  const above = dirname(path)
  if (above === path) return path
  const [here, there] = [await stat(path), await stat(above)]
  return here.dev === there.dev ? await deviceRoot(above) : path
}

function undefinedWhenMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
