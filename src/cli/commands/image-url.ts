import { isArray, objectIn, objectOr } from '../../client/client.ts'
import { outputFormats } from '../../domain/output-formats.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may, mayRead, needs, wholeNumber } from '../flag.ts'
import { namesOf, type VersionGiven, versionNamed } from '../named-image.ts'
import { apiVersions } from '../paths.ts'
import { defined } from '../resources.ts'
import type { Column } from '../table.ts'
import { formatWhen } from '../units.ts'

const apiVersion = apiVersions.vitrine
const columns: readonly Column[] = [
  ['Id', 'id'],
  ['File', 'fileName'],
  ['Expires', (row) => formatWhen(row.expiresOn)],
  ['Made by', 'createdBy'],
]

/** Below a version, or below its definition for the latest one. Throws UsageError, ClientError. */
async function urlsOf(context: Context, given: VersionGiven): Promise<string> {
  const session = await context.connect()
  const { paths } = session
  const names = await namesOf(session, given, context.signal)
  const image =
    names.version === 'latest'
      ? paths.definition(names.group, names.gallery, names.definition)
      : paths.version(names)
  return `${image}/providers/Vitrine.Gallery/signedUrls`
}

const create = command({
  name: 'create',
  says: 'Sign a URL with which any program pulls a disk of a version.',
  more: 'It gives what you may read at the time it is used, until it expires or is revoked; of latest, the latest version at that time. It is shown this once.',
  examples: [
    'vitrine image-url create Contoso:Debian:13:latest --format qcow2',
    'curl -fOJ "$(vitrine image-url create -g images -r corpImages -i debian -e 1.0.0 -o tsv)"',
  ],
  flags: {
    ...versionNamed,
    format: may('--format <format>', 'Default: vhd, a fixed one.', { choices: outputFormats }),
    lun: mayRead('--lun <n>', 'A data disk. Default: the OS disk.', wholeNumber('--lun')),
    location: may('-l, --location <region>', 'Where it is read. Default: anywhere.', {
      completes: 'region',
    }),
    expires: may('--expires <date>', 'When it ends. Default: in 30 days.'),
  },
  run: async (context, given) => {
    const { client } = await context.connect()
    const { format, lun, location, expires } = given
    const body = defined({ format, lun, location, expiresOn: expires })
    const { signal } = context
    const answer = await client.call('POST', await urlsOf(context, given), {
      apiVersion,
      body,
      signal,
    })
    return { value: objectIn(answer), columns: [['URL', 'url']] }
  },
})

const list = command({
  name: 'list',
  says: 'List the signed URLs of a version, without their signatures.',
  flags: versionNamed,
  run: async (context, given) => {
    const { client } = await context.connect()
    const { signal } = context
    const { value } = objectIn(
      await client.call('GET', await urlsOf(context, given), { apiVersion, signal }),
    )
    return { value: isArray(value) ? value.map((one) => objectOr(one)) : [], columns }
  },
})

const revoke = command({
  name: 'revoke',
  says: 'End a signed URL at once.',
  flags: { ...versionNamed, id: needs('--id <id>', 'Which one: `list` tells.') },
  run: async (context, given) => {
    const { client } = await context.connect()
    const { signal } = context
    const path = `${await urlsOf(context, given)}/${encodeURIComponent(given.id)}`
    await client.call('DELETE', path, { apiVersion, signal })
    return undefined
  },
})

export const imageUrlCommands: CommandGroup = {
  name: 'image-url',
  says: 'URLs of versions for libvirt, Proxmox, OpenStack, curl.',
  commands: [create, list, revoke],
}
