import { type CommandGroup, command } from '../command.ts'
import { creationDataOf, sourceAccount } from '../disk-origin.ts'
import { may, needs, onOrOff } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import {
  defined,
  deleteResource,
  editResource,
  listResources,
  locationOr,
  putResource,
  readResource,
} from '../resources.ts'
import { at, type Column } from '../table.ts'
import { waitFlags, waitUntil } from '../wait-until.ts'
import { accessCommands } from './access-commands.ts'
import { group, location, mayGroup, name, noWait, tags, tagsOf } from './common-flags.ts'

const apiVersion = apiVersions.disks
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['Group', 'resourceGroup'],
  ['Location', 'location'],
  ['OS', 'osType'],
  ['GiB', 'diskSizeGB'],
  ['Incremental', (row) => (at(row, 'incremental') === true ? 'yes' : '')],
  ['Copied', (row) => copiedCell(at(row, 'completionPercent'))],
  ['State', 'provisioningState'],
]
const snapshotName = name('snapshot', 'snapshot')

function copiedCell(percent: unknown): string {
  return typeof percent === 'number' ? `${percent} %` : ''
}

const create = command({
  name: 'create',
  says: 'Keep a disk as it is now: of a disk, of another snapshot, or of a disk file.',
  more: 'It is ready at once and keeps the bytes itself: the disk may be deleted. What snapshots have in common is stored once.',
  examples: [
    'vitrine snapshot create -g images -n monday --source os1 --incremental true',
    'vitrine snapshot create -g images -n monday-far --source monday --copy-start true -l northeurope',
  ],
  flags: {
    group,
    name: snapshotName,
    source: needs(
      '--source <source>',
      'A disk or snapshot by name or id, or the URL of a disk file.',
      { completes: 'disk' },
    ),
    account: sourceAccount,
    incremental: onOrOff('--incremental [true|false]', 'One of a family of snapshots of its disk.'),
    copyStart: onOrOff(
      '--copy-start [true|false]',
      'Copy a snapshot of another region to --location, bytes and all.',
    ),
    location,
    osType: may('--os-type <type>', 'What is on it; else what its source says.', {
      choices: ['Linux', 'Windows'],
    }),
    generation: may('--hyper-v-generation <generation>', 'How it boots; else as its source.', {
      choices: ['V1', 'V2'],
    }),
    sku: may('--sku <name>', 'Storage type.', {
      choices: ['Standard_LRS', 'Premium_LRS', 'Standard_ZRS'],
    }),
    tags,
    noWait,
  },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const far = given.copyStart === true
    const body = {
      location: await locationOr(context, given.location, given.group),
      ...tagsOf(given.tags),
      ...(given.sku === undefined ? {} : { sku: { name: given.sku } }),
      properties: defined({
        creationData: await creationDataOf(context, { ...given, far }),
        incremental: given.incremental,
        osType: given.osType,
        hyperVGeneration: given.generation,
      }),
    }
    const path = paths.snapshot(given.group, given.name)
    const target = { path, apiVersion, body, noWait: given.noWait }
    return { value: await putResource(context, target), columns }
  },
})

const list = command({
  name: 'list',
  says: 'List snapshots.',
  flags: { group: mayGroup },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.snapshots(given.group)
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show a snapshot, and how much of a copy is there.',
  flags: { group, name: snapshotName },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.snapshot(given.group, given.name)
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const update = command({
  name: 'update',
  says: 'Change the tags of a snapshot.',
  flags: { group, name: snapshotName, tags },
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const path = paths.snapshot(given.group, given.name)
    const edit = (before: object) => ({ ...before, ...tagsOf(given.tags) })
    const answer = await editResource(context, { path, apiVersion, edit })
    await client.wait(answer, { signal: context.signal })
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Delete a snapshot; what was made of it stays.',
  flags: { group, name: snapshotName, noWait },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.snapshot(given.group, given.name)
    return await deleteResource(context, { path, apiVersion, noWait: given.noWait })
  },
})

const wait = command({
  name: 'wait',
  says: 'Wait until a snapshot is there, up to date, or gone.',
  flags: { group, name: snapshotName, ...waitFlags },
  run: async (context, given) => {
    const { paths } = await context.connect()
    return await waitUntil(context, given, {
      path: paths.snapshot(given.group, given.name),
      apiVersion,
      what: `The snapshot ${given.name}`,
      show: `vitrine snapshot show -g ${given.group} -n ${given.name}`,
    })
  },
})

export const snapshotCommands: CommandGroup = {
  name: 'snapshot',
  says: 'Snapshots: disks as they were, a source for versions.',
  commands: [create, list, show, update, remove, wait, ...accessCommands('snapshot')],
}
