import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { creationDataOf, sourceAccount } from '../disk-origin.ts'
import { may, mayRead, needs, wholeNumber } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { versionIdOf } from '../resolve-version.ts'
import {
  defined,
  deleteResource,
  listResources,
  locationOr,
  putResource,
  readResource,
} from '../resources.ts'
import type { Column } from '../table.ts'
import { uploadToDisk } from '../upload-to-disk.ts'
import { UsageError } from '../usage-error.ts'
import { accessCommands } from './access-commands.ts'
import { group, location, mayGroup, name, noWait, tags, tagsOf } from './common-flags.ts'

const apiVersion = apiVersions.disks
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['Group', 'resourceGroup'],
  ['Location', 'location'],
  ['OS', 'osType'],
  ['GiB', 'diskSizeGB'],
  ['Disk', 'diskState'],
  ['State', 'provisioningState'],
]
const diskName = name('disk', 'disk')
const osType = may('--os-type <type>', 'What is on it.', { choices: ['Linux', 'Windows'] })
const generation = may('--hyper-v-generation <generation>', 'How it boots.', {
  choices: ['V1', 'V2'],
})
const sku = may('--sku <name>', 'Storage type.', {
  choices: ['Standard_LRS', 'StandardSSD_LRS', 'Premium_LRS', 'Standard_ZRS', 'Premium_ZRS'],
})

const create = command({
  name: 'create',
  says: 'Create a disk: empty, as a copy, from a disk file, or from an image version.',
  more: 'To make a disk from a file, see `vitrine disk upload`.',
  examples: [
    'vitrine disk create -g images -n data1 --size-gb 32',
    'vitrine disk create -g images -n os1 --gallery-image-reference Contoso:Debian:13:latest',
  ],
  flags: {
    group,
    name: diskName,
    location,
    sizeGb: mayRead('-z, --size-gb <GiB>', 'Size.', wholeNumber('--size-gb')),
    source: may(
      '--source <source>',
      'Copy this disk or snapshot, by name or id, or take in the disk file at this URL.',
      { completes: 'disk' },
    ),
    account: sourceAccount,
    version: may(
      '--gallery-image-reference <version>',
      'Make it from this image version: its id, also that of a shared one, or publisher:offer:sku:version.',
    ),
    lun: mayRead(
      '--gallery-image-reference-lun <n>',
      'From its data disk.',
      wholeNumber('--gallery-image-reference-lun'),
    ),
    osType,
    generation,
    sku,
    tags,
    noWait,
  },
  run: async (context, given) => {
    const session = await context.connect()
    const { paths } = session
    const location = await locationOr(context, given.location, given.group)
    const { signal } = context
    const version =
      given.version && (await versionIdOf(session, given.version, { region: location, signal }))
    const origin = { ...given, version }
    const body = {
      location,
      ...tagsOf(given.tags),
      ...(given.sku === undefined ? {} : { sku: { name: given.sku } }),
      properties: defined({
        creationData: await creationData(context, origin),
        diskSizeGB: given.sizeGb,
        osType: given.osType,
        hyperVGeneration: given.generation,
      }),
    }
    const path = paths.disk(given.group, given.name)
    const target = { path, apiVersion, body, noWait: given.noWait }
    return { value: await putResource(context, target), columns }
  },
})

type Origin = {
  readonly group: string
  readonly account: string | undefined
  readonly source: string | undefined
  readonly version: string | undefined
  readonly lun: number | undefined
  readonly sizeGb: number | undefined
}

async function creationData(context: Context, given: Origin): Promise<JsonObject> {
  const { source, version, lun } = given
  if (source !== undefined && version !== undefined)
    throw new UsageError('--source and --gallery-image-reference exclude each other.')
  if (source !== undefined) return await creationDataOf(context, { ...given, source })
  if (version !== undefined)
    return { createOption: 'FromImage', galleryImageReference: defined({ id: version, lun }) }
  if (given.sizeGb === undefined)
    throw new UsageError('Give --size-gb, --source or --gallery-image-reference.')
  return { createOption: 'Empty' }
}

const upload = command({
  name: 'upload',
  says: 'Make a disk from a file on this machine: raw or VHD.',
  more: 'Only what is not zero is sent. When it is cut off, the same command goes on where it stopped.',
  examples: ['vitrine disk upload debian.vhd -g images -n debian-source --os-type Linux'],
  flags: {
    file: needs('<file>', 'The disk file.'),
    group,
    name: diskName,
    location,
    osType,
    generation,
    sku,
    tags,
  },
  run: async (context, given) => {
    const { disk } = await uploadToDisk({
      ...given,
      session: await context.connect(),
      world: context.world,
      terminal: context.err,
      signal: context.signal,
      stateFolder: context.homeFolder,
      location: await locationOr(context, given.location, given.group),
      tags: tagsOf(given.tags),
    })
    return { value: disk, columns }
  },
})

const list = command({
  name: 'list',
  says: 'List disks.',
  flags: { group: mayGroup },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.disks(given.group)
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show a disk.',
  flags: { group, name: diskName },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.disk(given.group, given.name)
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Delete a disk.',
  flags: { group, name: diskName, noWait },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.disk(given.group, given.name)
    return await deleteResource(context, { path, apiVersion, noWait: given.noWait })
  },
})

export const diskCommands: CommandGroup = {
  name: 'disk',
  says: 'Managed disks: what images are made from, and what is made from images.',
  commands: [create, upload, list, show, remove, ...accessCommands('disk')],
}
