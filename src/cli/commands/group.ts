import { type CommandGroup, command } from '../command.ts'
import { needs, on } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { deleteResource, listResources, putResource, readResource } from '../resources.ts'
import type { Column } from '../table.ts'
import { UsageError } from '../usage-error.ts'
import { name, noWait, tags, tagsOf } from './common-flags.ts'

const apiVersion = apiVersions.groups
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['Location', 'location'],
  ['State', 'provisioningState'],
]
const groupName = name('resource group', 'group')

const create = command({
  name: 'create',
  says: 'Create a resource group, or change its tags.',
  examples: ['vitrine group create -n images -l westeurope'],
  flags: {
    name: groupName,
    location: needs('-l, --location <region>', 'Region.', { completes: 'region' }),
    tags,
  },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const body = { location: given.location, ...tagsOf(given.tags) }
    const value = await putResource(context, { path: paths.group(given.name), apiVersion, body })
    return { value, columns }
  },
})

const list = command({
  name: 'list',
  says: 'List the resource groups.',
  flags: {},
  run: async (context) => {
    const { paths } = await context.connect()
    return { value: await listResources(context, { path: paths.groups, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show a resource group.',
  flags: { name: groupName },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.group(given.name)
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Delete a resource group and everything in it.',
  flags: {
    name: groupName,
    yes: on('-y, --yes', 'Yes, everything in it too.'),
    noWait,
  },
  run: async (context, given) => {
    if (!given.yes)
      throw new UsageError(
        `This deletes the group '${given.name}' and everything in it. Repeat with --yes if that is meant.`,
      )
    const { paths } = await context.connect()
    const path = paths.group(given.name)
    return await deleteResource(context, { path, apiVersion, noWait: given.noWait })
  },
})

export const groupCommands: CommandGroup = {
  name: 'group',
  says: 'Resource groups: what belongs together.',
  commands: [create, list, show, remove],
}
