import { isArray, objectIn, objectOr } from '../../client/client.ts'
import { outputFormats } from '../../domain/output-formats.ts'
import { type CommandGroup, command } from '../command.ts'
import { may, mayRead, needs, wholeNumber } from '../flag.ts'
import { apiVersions, type Paths } from '../paths.ts'
import { defined } from '../resources.ts'
import type { Column } from '../table.ts'
import { definition, gallery, group } from './common-flags.ts'

const apiVersion = apiVersions.vitrine
const version = needs(
  '-e, --gallery-image-version <version>',
  'Major.Minor.Patch, or latest: then the URL gives the latest version at the time it is used.',
  { completes: 'version' },
)
const names = { group, gallery, definition, version }
const columns: readonly Column[] = [
  ['Id', 'id'],
  ['File', 'fileName'],
  ['Expires', (row) => String(row.expiresOn ?? '').slice(0, 19)],
  ['Made by', 'createdBy'],
]

type Names = {
  readonly group: string
  readonly gallery: string
  readonly definition: string
  readonly version: string
}

/** Below a version, or below its definition for the latest one. */
function urlsOf(paths: Paths, given: Names): string {
  const image =
    given.version === 'latest'
      ? paths.definition(given.group, given.gallery, given.definition)
      : paths.version(given)
  return `${image}/providers/Vitrine.Gallery/signedUrls`
}

const create = command({
  name: 'create',
  says: 'Sign a URL with which any program pulls a disk of a version.',
  more: 'It gives what you may read at the time it is used, until it expires or is revoked. It is shown this once.',
  examples: [
    'vitrine image-url create -g images -r corpImages -i debian -e latest --format qcow2',
    'curl -fOJ "$(vitrine image-url create -g images -r corpImages -i debian -e 1.0.0 -o tsv)"',
  ],
  flags: {
    ...names,
    format: may('--format <format>', 'Default: vhd, a fixed one.', { choices: outputFormats }),
    lun: mayRead('--lun <n>', 'A data disk. Default: the OS disk.', wholeNumber('--lun')),
    location: may('-l, --location <region>', 'Where it is read. Default: anywhere.', {
      completes: 'region',
    }),
    expires: may('--expires <date>', 'When it ends. Default: in 30 days.'),
  },
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const { format, lun, location, expires } = given
    const body = defined({ format, lun, location, expiresOn: expires })
    const { signal } = context
    const answer = await client.call('POST', urlsOf(paths, given), { apiVersion, body, signal })
    return { value: objectIn(answer), columns: [['URL', 'url']] }
  },
})

const list = command({
  name: 'list',
  says: 'List the signed URLs of a version, without their signatures.',
  flags: names,
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const { signal } = context
    const { value } = objectIn(
      await client.call('GET', urlsOf(paths, given), { apiVersion, signal }),
    )
    return { value: isArray(value) ? value.map((one) => objectOr(one)) : [], columns }
  },
})

const revoke = command({
  name: 'revoke',
  says: 'End a signed URL at once.',
  flags: { ...names, id: needs('--id <id>', 'Which one: `list` tells.') },
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const { signal } = context
    const path = `${urlsOf(paths, given)}/${encodeURIComponent(given.id)}`
    await client.call('DELETE', path, { apiVersion, signal })
    return undefined
  },
})

export const imageUrlCommands: CommandGroup = {
  name: 'image-url',
  says: 'URLs of versions for libvirt, Proxmox, OpenStack, curl.',
  commands: [create, list, revoke],
}
