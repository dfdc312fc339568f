import { StartError } from '../../base/start-error.ts'
import { isArray, isObject } from '../../client/client.ts'
import type { Json, JsonObject } from '../../domain/rows.ts'
import { parseSpaceId } from '../../domain/spaces.ts'
import { writeAnswer } from '../answer.ts'
import { type CommandGroup, command } from '../command.ts'
import { many, may, needs, on } from '../flag.ts'
import { spaceColumns } from '../health-view.ts'
import { apiVersions } from '../paths.ts'
import { hintOperation, listResources, readResource } from '../resources.ts'
import type { Column } from '../table.ts'
import { formatBytes } from '../units.ts'
import { UsageError } from '../usage-error.ts'
import type { LocalCommands } from './local.ts'

const apiVersion = apiVersions.vitrine

const spaceFlag = needs(
  '<space>',
  'As `vitrine space list` shows it: westeurope/Standard_ZRS/1/2.',
  {
    read: refuseUnknown,
  },
)

function refuseUnknown(text: string): string {
  if (parseSpaceId(text)) return text
  throw new UsageError(
    `'${text}' is no space; one is region/storageType/replica[/zone], as westeurope/Standard_ZRS/1/2.`,
  )
}

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

const check = (local: LocalCommands) =>
  command({
    name: 'check',
    says: 'Verify a space with nothing but its blobs: no server, no database, no key.',
    more: 'Reads every pack and compares it with its name, then follows every root down to the last chunk; changes nothing. Ends with 1 when anything is bad or missing. With --output json: every root and its disks, bad and stray packs.',
    examples: [
      'vitrine space check ./data/spaces/westeurope/Standard_LRS/1',
      'vitrine space check "s3://images/vitrine/eastus/Standard_LRS/1?endpoint=https://s3.example.org" -o json',
    ],
    flags: { place: needs('<place>', 'A folder, or s3://bucket/prefix.') },
    run: async (context, { place }) => {
      const report = await local.checkSpace({ place })
      const value = context.output === 'json' ? report : (report.roots ?? [])
      writeAnswer({ value, columns: rootColumns }, context.output, context.out)
      context.err.write(`${summaryOf(report)}\n`)
      if (!report.isSound) throw new StartError(`The space at ${place} is not sound.`)
      return undefined
    },
  })

function summaryOf({ packs, badPacks, strayPacks, roots, badRoots, store }: JsonObject): string {
  const count = (list: Json | undefined) => (isArray(list) ? list.length : 0)
  const whose = isObject(store) ? `Space ${store.space}` : 'No store.json'
  return `${whose}: ${packs} packs, ${count(badPacks)} bad, ${count(strayPacks)} that no root needs; ${count(roots)} roots, ${count(badRoots)} unreadable.`
}

const rebuild = (local: LocalCommands) =>
  command({
    name: 'rebuild',
    says: 'Make a lost space anew at its place, and fill it from the others; with --into, make the metadata anew from spaces.',
    more: 'For a disk that died: mount an empty one where it was, then name the space. What is there already is checked and stays. What no other space has is told: vitrine space show. A space that is empty at its place is made anew by itself after the setting rebuildAfterMinutes.\n\nFor a database that is lost: name the places of all spaces that are left (folders, s3://bucket/prefix), and --into a new data folder. Groups, galleries, definitions and versions come from the spaces; nothing is written there.',
    examples: [
      'vitrine space rebuild westeurope/Standard_ZRS/1/2 --wait',
      'vitrine space rebuild /mnt/disk1 /mnt/disk2 --into ./data',
    ],
    flags: {
      spaces: many('<space...>', 'As `vitrine space list` shows it; with --into, places.', {
        read: (text) => text,
      }),
      into: may('--into <folder>', 'Make the metadata anew in this folder; no server is asked.'),
      configFile: may('--config <file>', 'With --into: the settings of the lost server.'),
      wait: on('--wait', 'Wait until it is done, and show the space then.'),
    },
    run: async (context, { spaces = [], into, configFile, wait }) => {
      if (into !== undefined) {
        await local.restoreSpaces({ places: spaces, into, configFile })
        return undefined
      }
      const [space = '', ...others] = spaces
      if (others.length > 0 || configFile !== undefined) {
        throw new UsageError('Several places and --config go with --into; one space goes without.')
      }
      refuseUnknown(space)
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

const rootColumns: readonly Column[] = [
  ['Root', (row) => String(row.root ?? '').slice('roots/'.length)],
  ['Sound', (row) => (row.isSound === true ? 'yes' : 'NO')],
  ['Disks', (row) => disksIn(row).map(diskCell).join(', ')],
  ['Of', 'keeper'],
]

function disksIn({ disks }: JsonObject): readonly JsonObject[] {
  return isArray(disks) ? disks.filter(isObject) : []
}

/** `OS 30 GiB`, `0: 1 TiB, 3 lost`. */
function diskCell({ lun, virtualSizeBytes, lost }: JsonObject): string {
  const name = typeof lun === 'number' ? `${lun}:` : 'OS'
  const size = typeof virtualSizeBytes === 'number' ? formatBytes(virtualSizeBytes) : 'unreadable'
  const gone = isArray(lost) && lost.length > 0 ? `, ${lost.length} lost` : ''
  return `${name} ${size}${gone}`
}

export function spaceCommands(local: LocalCommands): CommandGroup {
  return {
    name: 'space',
    says: 'Spaces: the folders and buckets where bytes lie.',
    commands: [list, show, rebuild(local), check(local)],
  }
}
