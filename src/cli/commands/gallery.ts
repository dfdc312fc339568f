import { objectOr } from '../../client/client.ts'
import { advising } from '../../client/client-error.ts'
import { type CommandGroup, command } from '../command.ts'
import { may, onOrOff } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import {
  createResource,
  defined,
  deleteResource,
  editResource,
  listResources,
  locationOr,
  propertiesOf,
  readResource,
} from '../resources.ts'
import type { Column } from '../table.ts'
import { gallery, group, location, mayGroup, noWait, tags, tagsOf } from './common-flags.ts'
import { share, sharingFlags, sharingProfileOf } from './gallery-share.ts'

const apiVersion = apiVersions.galleries
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['Group', 'resourceGroup'],
  ['Location', 'location'],
  ['State', 'provisioningState'],
  ['Description', 'description'],
]
const softDelete = onOrOff(
  '--soft-delete [true|false]',
  'Deleted versions can be restored for 7 days.',
)
const description = may('--description <text>', 'What the gallery is for.')

const create = command({
  name: 'create',
  says: 'Create a gallery.',
  more: 'The name takes letters, digits and inner periods, and is unique in the subscription.',
  examples: ['vitrine gallery create -g images -r corpImages -l westeurope'],
  flags: { group, gallery, location, description, softDelete, tags, ...sharingFlags },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const body = {
      location: await locationOr(context, given.location, given.group),
      ...tagsOf(given.tags),
      properties: defined({
        description: given.description,
        sharingProfile: sharingProfileOf(given),
        softDeletePolicy: policyOf(given.softDelete),
      }),
    }
    const path = paths.gallery(given.group, given.gallery)
    return {
      value: await createResource(context, { path, apiVersion, body, command: 'gallery' }),
      columns,
    }
  },
})

function policyOf(softDelete: boolean | undefined) {
  return softDelete === undefined ? undefined : { isSoftDeleteEnabled: softDelete }
}

const list = command({
  name: 'list',
  says: 'List galleries.',
  flags: { group: mayGroup },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.galleries(given.group)
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show a gallery.',
  flags: { group, gallery },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.gallery(given.group, given.gallery)
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const update = command({
  name: 'update',
  says: "Change a gallery's description, tags or whom it can be shared with.",
  flags: { group, gallery, description, softDelete, tags, ...sharingFlags },
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const path = paths.gallery(given.group, given.gallery)
    const answer = await editResource(context, {
      path,
      apiVersion,
      edit: (before) => ({
        ...before,
        ...tagsOf(given.tags),
        properties: {
          ...propertiesOf(before),
          ...defined({
            description: given.description,
            softDeletePolicy: policyOf(given.softDelete),
            sharingProfile: sharingProfileOf(given, objectOr(propertiesOf(before).sharingProfile)),
          }),
        },
      }),
    })
    await client.wait(answer, { signal: context.signal })
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Delete a gallery; it must be empty.',
  flags: { group, gallery, noWait },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.gallery(given.group, given.gallery)
    const removed = deleteResource(context, { path, apiVersion, noWait: given.noWait })
    return await advising(removed, {
      OperationNotAllowed: `If it is shared: \`vitrine gallery share reset -g ${given.group} -r ${given.gallery}\` makes it private, at once.`,
    })
  },
})

export const galleryCommands: CommandGroup = {
  name: 'gallery',
  says: 'Galleries: containers of image definitions, to share.',
  commands: [create, list, show, update, share, remove],
}
