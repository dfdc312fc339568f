import type { JsonObject } from '../../domain/rows.ts'
import { parseSpaceId } from '../../domain/spaces.ts'
import { type CommandGroup, command } from '../command.ts'
import { may, needs, on } from '../flag.ts'
import { spaceColumns } from '../health-view.ts'
import { apiVersions } from '../paths.ts'
import { hintOperation, listResources, readResource } from '../resources.ts'
import { UsageError } from '../usage-error.ts'

const apiVersion = apiVersions.vitrine

const spaceFlag = needs(
  '<space>',
  'As `vitrine space list` shows it: westeurope/Standard_ZRS/1/2.',
  {
    read: (text) => {
      if (parseSpaceId(text)) return text
      throw new UsageError(
        `'${text}' is no space; one is region/storageType/replica[/zone], as westeurope/Standard_ZRS/1/2.`,
      )
    },
  },
)

const list = command({
  name: 'list',
  says: 'List the places where bytes lie, and their health.',
  examples: ['vitrine space list', 'vitrine space list --region eastus'],
  flags: { region: may('--region <region>', 'Only there.', { completes: 'region' }) },
  run: async (context, { region }) => {
    const below = region === undefined ? '' : `/locations/${encodeURIComponent(region)}`
    const path = `/providers/Vitrine.Gallery${below}/spaces`
    const value: JsonObject[] = await listResources(context, { path, apiVersion })
    return { value, columns: spaceColumns }
  },
})

const show = command({
  name: 'show',
  says: 'Show one place where bytes lie, and what was lost there.',
  examples: ['vitrine space show westeurope/Standard_ZRS/1/2 --output json'],
  flags: { space: spaceFlag },
  run: async (context, { space }) => {
    const value = await readResource(context, { path: pathOf(space), apiVersion })
    return { value, columns: spaceColumns }
  },
})

const rebuild = command({
  name: 'rebuild',
  says: 'Make a lost space anew at its place, and fill it from the others.',
  more: 'For a disk that died: mount an empty one where it was, then run this. What is there already is checked and stays. What no other space has is told: vitrine space show. A space that is empty at its place is made anew by itself after the setting rebuildAfterMinutes.',
  examples: ['vitrine space rebuild westeurope/Standard_ZRS/1/2 --wait'],
  flags: {
    space: spaceFlag,
    wait: on('--wait', 'Wait until it is done, and show the space then.'),
  },
  run: async (context, { space, wait }) => {
    const { client } = await context.connect()
    const { signal } = context
    const path = pathOf(space)
    const answer = await client.call('POST', `${path}/rebuild`, { apiVersion, signal })
    if (!wait) {
      hintOperation(context, answer.headers)
      return undefined
    }
    await client.wait(answer, { signal })
    return { value: await readResource(context, { path, apiVersion }), columns: spaceColumns }
  },
})

function pathOf(space: string): string {
  const [region = '', ...rest] = space.split('/')
  return `/providers/Vitrine.Gallery/locations/${region}/spaces/${rest.join('-')}`
}

export const spaceCommands: CommandGroup = {
  name: 'space',
  says: 'Spaces: the folders and buckets where bytes lie.',
  commands: [list, show, rebuild],
}
