import { advising } from '../../client/client-error.ts'
import { downloadFormats } from '../../client/download-disk.ts'
import { command } from '../command.ts'
import { downloadVersion } from '../download-version.ts'
import { may, mayRead, needs, wholeNumber } from '../flag.ts'
import { namesOf, versionNamed } from '../named-image.ts'
import type { VersionNames } from '../paths.ts'
import { resolveVersion } from '../resolve-version.ts'

export const downloadCommand = command({
  name: 'download',
  says: 'Write a disk of a version to a file, read in the region of your choice.',
  more: 'Only data is transferred; the file is sparse. When it is cut off, the same command goes on where it stopped. It reads through a disk that it makes in the resource group of the gallery; who may not write there uses `vitrine image-url create`.',
  examples: [
    'vitrine image-version download Contoso:Debian:13:latest -l eastus --file debian.raw',
    'vitrine image-version download -g images -r corpImages -i debian -e 1.0.0 --format qcow2 --file debian.qcow2',
  ],
  flags: {
    ...versionNamed,
    location: may(
      '-l, --location <region>',
      "Where it is read. Default: the version's own region.",
      {
        completes: 'region',
      },
    ),
    lun: mayRead('--lun <n>', 'A data disk. Default: the OS disk.', wholeNumber('--lun')),
    file: needs('--file <path>', 'The file to write; it must not exist.'),
    format: may('--format <format>', 'Default: raw; vhd is a fixed one.', {
      choices: downloadFormats,
    }),
  },
  run: async (context, given) => {
    const session = await context.connect()
    const { world, signal, err: terminal } = context
    const names = await namesOf(session, given, signal)
    const version = await resolveVersion(session, names, { region: given.location, signal })
    const location = given.location ?? String(version.location)
    const format = downloadFormats.find((one) => one === given.format) ?? 'raw'
    const options = { session, world, terminal, signal, version, location, format } as const
    const download = downloadVersion({
      ...options,
      group: names.group,
      lun: given.lun,
      out: given.file,
    })
    const done = await advising(download, {
      AuthorizationFailed: `This makes a disk for a moment in the resource group '${names.group}'. Who only reads, as a Reader of the gallery, fetches it by a URL: \`vitrine image-url create ${urlFlags(names)}\`, then \`curl -fOJ URL\`.`,
    })
    return {
      value: {
        file: given.file,
        version: String(version.name),
        location,
        sizeBytes: done.fileBytes,
        sha256: done.sha256,
      },
      columns: [
        ['File', 'file'],
        ['Version', 'version'],
        ['Region', 'location'],
        ['Bytes', 'sizeBytes'],
        ['SHA-256', 'sha256'],
      ],
    }
  },
})

function urlFlags({ group, gallery, definition, version }: VersionNames): string {
  return `-g ${group} -r ${gallery} -i ${definition} -e ${version}`
}
