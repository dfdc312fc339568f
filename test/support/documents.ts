import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { type Arm, dataBytes } from './arm.ts'
import { goldenDisk } from './golden-disks.ts'
import { vhdFixed } from './vhd-files.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const blockMs = 120_000

/** The `sh` blocks of a document of `docs` that begin with this program, as they stand there. */
export async function blocksOf(document: string, program: string): Promise<readonly string[]> {
  const text = await readFile(new URL(`../../docs/${document}`, import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  return blocks.filter((block) => block.startsWith(`${program} `))
}

type Shell = {
  /** Where the commands are run, and what they find there. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}

/** Runs a block as a reader would paste it; what it prints. Throws with that when a command of it fails. */
export async function runBlock(block: string, { folder, env }: Shell): Promise<string> {
  const path = `${join(folder, 'bin')}:${process.env.PATH ?? ''}`
  const options = { cwd: folder, env: { ...env, PATH: path, HOME: folder }, timeout: blockMs }
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', block], options)
  return stdout
}

/** A program of this name in the folder of programs that blocks are run with. */
export async function addProgram(folder: string, name: string, script: string): Promise<void> {
  await mkdir(join(folder, 'bin'), { recursive: true })
  const file = join(folder, 'bin', name)
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
}

export async function addVitrine(folder: string): Promise<void> {
  const node = `'${process.execPath}' --disable-warning=ExperimentalWarning`
  await addProgram(folder, 'vitrine', `exec ${node} '${main}' "$@"`)
}

const mib = 1024 * 1024

/** What the documents about migration take for given, and what becomes of it. */
export const migrated = {
  debian: Buffer.from(dataBytes(1, 2 * mib)),
  legacy: Buffer.from(dataBytes(2, 2 * mib)),
  os: Buffer.from(dataBytes(3, 2 * mib)),
  data: Buffer.from(dataBytes(4, 2 * mib)),
  upload: Buffer.from(dataBytes(5, 2 * mib)),
  windows: goldenDisk('disk.raw'),
}

/** Disks `os1` and `data1`, the managed image `debian-image`, and disk files in the folder. */
export async function arrangeMigration(arm: Arm, folder: string): Promise<void> {
  const west = { location: 'westeurope' }
  const debian = await arm.upload('debian-disk', migrated.debian)
  const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id: debian } }
  const properties = { hyperVGeneration: 'V1', storageProfile: { osDisk } }
  await arm.make('images/debian-image', { ...west, properties })
  await arm.upload('os1', migrated.os)
  await arm.upload('data1', migrated.data)
  await writeFile(join(folder, 'debian.vhd'), vhdFixed(migrated.upload))
  await writeFile(join(folder, 'windows.vhdx'), goldenDisk('vhdx-dynamic.vhdx'))
}

/** A disk or version, by its path in the group of `arm`, holds these bytes in West Europe; `lun` for a data disk. */
export async function expectHolds(
  arm: Arm,
  path: string,
  { bytes, lun }: { readonly bytes: Buffer; readonly lun: number | undefined },
): Promise<void> {
  const read = await arm.bytesOf(path, 'westeurope', lun)
  expect([path, Buffer.compare(read, bytes)]).toEqual([path, 0])
}
