import { copyFile, mkdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { ClientError } from '../../client/client-error.ts'
import { digestFile } from '../../client/local-file.ts'
import type { Digest } from '../../domain/digest.ts'
import { sizes } from '../../domain/limits.ts'
import { checkDiskFile } from '../disk-file.ts'
import { formatBytes } from '../units.ts'
import { copySparse, flipBytes, inspectDisk } from './given-disk.ts'
import { gatherFiles } from './real-files.ts'
import { runProgram } from './run-program.ts'
import { digestDynamicVhd } from './vhd-content.ts'

const diskBytes = sizes.gib
const filesBytesMax = 160 * sizes.mib
const fileSystemId = '5f0c1b4e-2d3a-4b6f-9c8d-0e1f2a3b4c5d'

/** A disk to publish, and a way to change it. */
export type DemoDisk = {
  readonly file: string
  /** What it is, for people. */
  readonly says: string
  /** Changes a little of it, as an update of the system would; says what. */
  change(): Promise<string>
  /** The digest of the disk as a machine sees it. */
  digest(): Promise<Digest>
}

type Options = {
  /** An empty folder; nothing outside is written. */
  readonly folder: string
  /** Where this program lies: its files go on the disk. */
  readonly programFolder: string
  readonly signal: AbortSignal
}

/** Makes a disk from real files: an ext4 file system, or where that cannot be made, a tar archive. Throws ClientError. */
export async function makeDisk(options: Options): Promise<DemoDisk> {
  const tree = join(options.folder, 'files')
  const gathered = await gatherFiles(options.programFolder, tree, filesBytesMax)
  const facts = `${gathered.files.toLocaleString('en')} real files, ${formatBytes(gathered.bytes)}`
  const disk = (await makeExt4(options, facts)) ?? (await makeTar(options, facts))
  await rm(tree, { recursive: true, force: true })
  if (disk !== undefined) return disk
  throw new ClientError({
    code: 'InvalidFile',
    message: 'This machine can make no disk: neither mke2fs nor tar works.',
    nextStep: 'Name a disk of yours: `npm run quickstart -- my.vhd`.',
  })
}

async function makeExt4(options: Options, facts: string): Promise<DemoDisk | undefined> {
  const { folder, signal } = options
  const file = join(folder, 'disk.raw')
  await writeFile(file, '')
  await truncate(file, diskBytes)
  const look = ['-q', '-t', 'ext4', '-F', '-b', '4096', '-U', fileSystemId]
  const extended = ['-E', `hash_seed=${fileSystemId},root_owner=0:0`]
  const made =
    (await runProgram('debugfs', ['-V'], options)) &&
    (await runProgram('mke2fs', [...look, ...extended, '-d', 'files', file], options))
  if (!made) return undefined

  async function change(): Promise<string> {
    await writeFile(join(folder, 'release.txt'), 'This is 1.0.1.\n')
    await copyFile(join(options.programFolder, 'package-lock.json'), join(folder, 'lock.json'))
    const commands = [
      'write release.txt release.txt',
      'write lock.json lock.json',
      'rm package.json',
    ]
    await writeFile(join(folder, 'commands'), `${commands.join('\n')}\n`)
    await runProgram('debugfs', ['-w', '-f', 'commands', file], options)
    return 'two files written, one removed'
  }

  const says = `an ext4 file system of ${formatBytes(diskBytes)}: ${facts}`
  return { file, says, change, digest: () => digestFile(file, signal) }
}

async function makeTar(options: Options, facts: string): Promise<DemoDisk | undefined> {
  const { folder, signal } = options
  const file = join(folder, 'disk.raw')
  await rm(file, { force: true })
  if (!(await runProgram('tar', ['-cf', 'disk.raw', 'files'], options))) return undefined
  const { size: archiveBytes } = await stat(file)
  await truncate(file, diskBytes)

  async function change(): Promise<string> {
    await mkdir(join(folder, 'update'), { recursive: true })
    await writeFile(join(folder, 'update', 'release.txt'), 'This is 1.0.1.\n')
    await truncate(file, archiveBytes)
    await runProgram('tar', ['-rf', 'disk.raw', 'update'], options)
    await truncate(file, diskBytes)
    return 'one file added'
  }

  const says = `a tar archive on a disk of ${formatBytes(diskBytes)}: ${facts}`
  return { file, says, change, digest: () => digestFile(file, signal) }
}

/** A disk of the user's: worked on as a copy, so that the file itself stays as it is. Throws ClientError. */
export async function takeDisk(given: string, options: Options): Promise<DemoDisk> {
  const { folder, signal } = options
  const path = resolve(given)
  await checkDiskFile(path)
  const facts = await inspectDisk(path)
  const file = join(folder, basename(path))
  await copySparse(path, file, signal)
  const { plainBytes } = facts
  return {
    file,
    says: `${basename(path)}: ${facts.format}, ${formatBytes(facts.fileBytes)}`,
    change: async () => {
      const flipped = await flipBytes(file, facts, signal)
      return `${formatBytes(flipped)} of a copy changed`
    },
    digest: () =>
      plainBytes === undefined
        ? digestDynamicVhd(file, signal)
        : digestFile(file, signal, plainBytes),
  }
}
