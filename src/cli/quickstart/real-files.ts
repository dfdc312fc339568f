import { constants, copyFile, link, lstat, mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mapBounded } from '../../base/bounded.ts'

const filesAtOnce = 32
const foldersMax = 50_000

/** Files of this program that are worth having on a demonstration disk, in a fixed order. */
const wanted = ['package.json', 'README.md', 'docs', 'src', 'node_modules']

/**
 * Lays real files of the folder `from` (this program's own) into `to`, until `bytesMax` is reached: linked where that
 * works, else copied. The same files in the same order each time.
 */
export async function gatherFiles(from: string, to: string, bytesMax: number) {
  const chosen: { path: string; bytes: number }[] = []
  let bytes = 0
  for await (const file of filesBelow(from, wanted)) {
    if (bytes + file.bytes > bytesMax) continue
    chosen.push(file)
    bytes += file.bytes
  }
  const folders = new Set(chosen.map((file) => dirname(file.path)))
  for (const folder of folders) await mkdir(join(to, folder), { recursive: true })
  await mapBounded(chosen, filesAtOnce, (file) => place(join(from, file.path), join(to, file.path)))
  return { files: chosen.length, bytes }
}

async function place(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch {
    // Another file system, or one without links: a copy is as good.
    await copyFile(from, to, constants.COPYFILE_FICLONE)
  }
}

/** Regular files below `root`, folder by folder in the order of names; `tops` first says where to look. */
async function* filesBelow(root: string, tops: readonly string[]) {
  const waiting = [...tops]
  for (let count = 0; waiting.length > 0 && count < foldersMax; count++) {
    const path = waiting.shift() ?? ''
    const stat = await lstat(join(root, path)).catch(() => undefined)
    if (stat?.isFile()) yield { path, bytes: stat.size }
    if (stat?.isDirectory()) {
      const names = await readdir(join(root, path))
      waiting.unshift(...names.sort().map((name) => join(path, name)))
    }
  }
}
