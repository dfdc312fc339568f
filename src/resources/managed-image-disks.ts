import { type Problem, unless } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import { parseResourceId, sameType } from '../domain/resource-id.ts'
import type { Fact, Facts, Need, Settings, Write } from './declaration.ts'
import { type DiskFileSource, diskFileNeed, diskFileProblems } from './disk-file-source.ts'
import { linkedActionOf } from './disk-source.ts'
import { againNeeds, againProblems } from './made-again.ts'
import type { ManagedImage } from './managed-image-schema.ts'
import { changeProblem } from './merge.ts'
import { requiredProblem } from './parse.ts'
import { liesIn } from './version-use.ts'

type StorageProfile = NonNullable<ManagedImage['properties']['storageProfile']>
type ImageDisk = Pick<NonNullable<StorageProfile['osDisk']>, 'managedDisk' | 'snapshot' | 'blobUri'>

/** One disk of an image and where the body says it. `lun` undefined: the OS disk. */
export type NamedDisk = {
  readonly lun: number | undefined
  readonly path: string
  readonly disk: ImageDisk
}

const target = 'image.properties'

export function disksOf({ properties }: ManagedImage): readonly NamedDisk[] {
  const { osDisk, dataDisks = [] } = properties.storageProfile ?? {}
  const path = `${target}.storageProfile`
  return [
    ...(osDisk ? [{ lun: undefined, path: `${path}.osDisk`, disk: osDisk }] : []),
    ...dataDisks.map((disk) => ({
      lun: disk.lun,
      path: `${path}.dataDisks[${disk.lun}]`,
      disk,
    })),
  ]
}

export function factName({ lun }: Pick<NamedDisk, 'lun'>): string {
  return lun === undefined ? 'osDisk' : `dataDisk${lun}`
}

/** The file that a disk is of, when it is of one. */
export function fileOf({ path, disk }: NamedDisk): DiskFileSource | undefined {
  const { blobUri: uri } = disk
  return uri === undefined ? undefined : { uri, account: undefined, path: `${path}.blobUri` }
}

export function imageNeeds({
  next,
  before,
  settings,
}: Write<ManagedImage>): Readonly<Record<string, Need>> {
  if (before) return againNeeds(before)
  return Object.fromEntries(
    disksOf(next).flatMap((named) => {
      const need = needOf(named, settings)
      return need ? [[factName(named), need]] : []
    }),
  )
}

function needOf(named: NamedDisk, settings: Settings): Need | undefined {
  const file = fileOf(named)
  if (file) return diskFileNeed(file, settings)
  const { snapshot, managedDisk } = named.disk
  const id = (snapshot ?? managedDisk)?.id
  const linked = id && linkedActionOf(id)
  return id && linked ? { resource: id, linked } : undefined
}

/** Every reason why an image may not be stored. */
export function imageProblems(write: Write<ManagedImage>, facts: Facts): readonly Problem[] {
  const { next, before, settings } = write
  const { sourceVirtualMachine } = next.properties
  if (before) {
    const changed = sourceVirtualMachine ? [changeProblem('sourceVirtualMachine')] : []
    return [...changed, ...againProblems(before, facts)]
  }
  if (sourceVirtualMachine) {
    return [
      invalid(
        `${target}.sourceVirtualMachine`,
        'Virtual machines are not available here yet as a source. Use storageProfile.osDisk.managedDisk.id.',
      ),
    ]
  }
  const { osDisk, dataDisks = [] } = next.properties.storageProfile ?? {}
  if (!osDisk) return [requiredProblem(`${target}.storageProfile.osDisk`)]
  const luns = dataDisks.map((disk) => disk.lun)
  return [
    ...unless(
      osDisk.osState === 'Generalized',
      'InvalidParameter',
      `${target}.storageProfile.osDisk.osState`,
      'A managed image is always Generalized. Make a gallery image version from the disk itself for a specialized image.',
    ),
    ...unless(
      new Set(luns).size === luns.length,
      'InvalidParameter',
      `${target}.storageProfile.dataDisks`,
      `Duplicated lun numbers have been detected in the input data disks: ${luns.join(', ')}. Lun number must be unique for each data disk.`,
    ),
    ...disksOf(next).flatMap((named) =>
      diskProblems(named, facts[factName(named)], { location: next.location, settings }),
    ),
  ]
}

type Asking = { readonly location: string; readonly settings: Settings }

function diskProblems(
  named: NamedDisk,
  fact: Fact | undefined,
  asking: Asking,
): readonly Problem[] {
  const { path, disk } = named
  const said = [disk.managedDisk, disk.snapshot, disk.blobUri].filter((one) => one !== undefined)
  if (said.length > 1) {
    return [invalid(path, 'A disk of an image has one source: managedDisk, snapshot or blobUri.')]
  }
  const file = fileOf(named)
  if (file) return diskFileProblems(file, fact, asking)
  if (disk.snapshot) {
    const from = { target: `${path}.snapshot.id`, id: disk.snapshot.id, of: 'snapshot' } as const
    return copyProblems(from, fact, asking)
  }
  const target = `${path}.managedDisk.id`
  if (!disk.managedDisk) return [requiredProblem(target)]
  return copyProblems({ target, id: disk.managedDisk.id, of: 'managed disk' }, fact, asking)
}

function copyProblems(
  from: { readonly target: string; readonly id: string; readonly of: 'snapshot' | 'managed disk' },
  fact: Fact | undefined,
  { location }: Asking,
): readonly Problem[] {
  const { target, id, of } = from
  const type = `Microsoft.Compute/${of === 'snapshot' ? 'snapshots' : 'disks'}`
  if (!sameType(parseResourceId(id)?.type ?? '', type)) {
    return [invalid(target, `'${id}' is not the id of a ${of}.`)]
  }
  const row = fact?.row
  if (!row) return [{ code: 'NotFound', message: `The ${of} '${id}' was not found.`, target }]
  const here = regionName(location)
  return [
    ...unless(
      row.region === here,
      'InvalidParameter',
      target,
      `The ${of} '${id}' is in region '${row.region}'. An image is made in the region of its disks; '${here}' is another one.`,
    ),
    ...unless(
      liesIn(fact, row.region ?? here),
      'Conflict',
      target,
      `The ${of} '${id}' has no content yet: its state is ${String(row.status.diskState)}. Finish its upload (endGetAccess) first.`,
    ),
  ]
}

function invalid(path: string, message: string): Problem {
  return { code: 'InvalidParameter', message, target: path }
}
