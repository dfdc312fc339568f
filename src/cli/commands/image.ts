import { type CommandGroup, command } from '../command.ts'
import { isUrl } from '../disk-origin.ts'
import { many, may, needs } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import {
  defined,
  deleteResource,
  diskOrSnapshotId,
  listResources,
  locationOr,
  putResource,
  readResource,
} from '../resources.ts'
import type { Column } from '../table.ts'
import { group, location, mayGroup, name, noWait, tags, tagsOf } from './common-flags.ts'

const apiVersion = apiVersions.images
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['Group', 'resourceGroup'],
  ['Location', 'location'],
  ['OS', 'storageProfile.osDisk.osType'],
  ['Generation', 'hyperVGeneration'],
  ['State', 'provisioningState'],
]
const imageName = name('managed image', 'image')

const create = command({
  name: 'create',
  says: 'Create a managed image from disks, snapshots or disk files: always generalized, in one region.',
  examples: [
    'vitrine image create -g images -n debian-image --source debian-source --os-type Linux',
  ],
  flags: {
    group,
    name: imageName,
    source: needs(
      '--source <source>',
      'OS disk: a disk or snapshot by name or id, or the URL of a disk file.',
      { completes: 'disk' },
    ),
    osType: needs('--os-type <type>', 'Operating system.', { choices: ['Linux', 'Windows'] }),
    dataDisks: many('--data-disk-sources <source...>', 'Data disks, by LUN from 0: the same.', {
      completes: 'disk',
      read: (text) => text,
    }),
    generation: may('--hyper-v-generation <generation>', 'Default V1.', { choices: ['V1', 'V2'] }),
    location,
    tags,
    noWait,
  },
  run: async (context, given) => {
    const session = await context.connect()
    const referenceTo = async (source: string) =>
      isUrl(source)
        ? { blobUri: source }
        : diskReference(await diskOrSnapshotId(context, session, { group: given.group, source }))
    const dataDisks = await Promise.all((given.dataDisks ?? []).map(referenceTo))
    const body = {
      location: await locationOr(context, given.location, given.group),
      ...tagsOf(given.tags),
      properties: {
        storageProfile: defined({
          osDisk: {
            osType: given.osType,
            osState: 'Generalized',
            ...(await referenceTo(given.source)),
          },
          dataDisks:
            dataDisks.length > 0
              ? dataDisks.map((reference, lun) => ({ lun, ...reference }))
              : undefined,
        }),
        hyperVGeneration: given.generation ?? 'V1',
      },
    }
    const path = session.paths.image(given.group, given.name)
    const target = { path, apiVersion, body, noWait: given.noWait }
    return { value: await putResource(context, target), columns }
  },
})

function diskReference(id: string) {
  return /\/snapshots\//i.test(id) ? { snapshot: { id } } : { managedDisk: { id } }
}

const list = command({
  name: 'list',
  says: 'List managed images.',
  flags: { group: mayGroup },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.images(given.group)
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show a managed image.',
  flags: { group, name: imageName },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.image(given.group, given.name)
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Delete a managed image; versions made from it stay.',
  flags: { group, name: imageName, noWait },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.image(given.group, given.name)
    return await deleteResource(context, { path, apiVersion, noWait: given.noWait })
  },
})

export const imageCommands: CommandGroup = {
  name: 'image',
  says: 'Managed images: a source for versions.',
  commands: [create, list, show, remove],
}
