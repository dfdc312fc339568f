import { isArray, objectIn, objectOr } from '../../client/client.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { on } from '../flag.ts'
import { followVersion, watchVersion } from '../follow-version.ts'
import { namesOf, versionNamed } from '../named-image.ts'
import { apiVersions } from '../paths.ts'
import { versionIdOf } from '../resolve-version.ts'
import {
  deleteResource,
  diskOrSnapshotId,
  editResource,
  hintOperation,
  idOf,
  listResources,
  locationOr,
  propertiesOf,
  putNew,
  readResource,
} from '../resources.ts'
import { readSpace, spaceColumns } from '../space-use.ts'
import { at, type Column } from '../table.ts'
import { formatWhen } from '../units.ts'
import { UsageError } from '../usage-error.ts'
import { versionPath } from '../version-path.ts'
import { waitFlags, waitUntil } from '../wait-until.ts'
import { foreseen, whatIf } from '../what-if.ts'
import {
  definition,
  gallery,
  group,
  location,
  noWait,
  tags,
  tagsOf,
  version,
} from './common-flags.ts'
import { downloadCommand } from './image-version-download.ts'
import { healthCommand, verifyCommand } from './image-version-health.ts'
import { mustBeThere, restoreCommand, softDeletedColumns, softDeletedOf } from './soft-deleted.ts'
import { publishedProperties, publishing, storageType } from './version-body.ts'
import { fromFile, sourceFrom } from './version-from.ts'
import { sources, storageProfileOf } from './version-sources.ts'

const apiVersion = apiVersions.galleries
const names = { group, gallery, definition, version }
const columns: readonly Column[] = [
  ['Version', 'name'],
  ['Location', 'location'],
  ['Regions', regionsCell],
  ['Published', (row) => formatWhen(at(row, 'publishingProfile.publishedDate'))],
  ['Latest', (row) => (at(row, 'publishingProfile.excludeFromLatest') === true ? 'excluded' : '')],
  ['State', 'provisioningState'],
]

/** `West Europe ×2 ZRS, East US`, with the progress of those that are under way. */
function regionsCell(row: JsonObject): string {
  const targets = at(row, 'publishingProfile.targetRegions')
  const summary = at(row, 'replicationStatus.summary')
  const states = isArray(summary) ? summary.map((one) => objectOr(one)) : []
  if (!isArray(targets)) return ''
  return targets
    .map((target) => {
      const { name, regionalReplicaCount, storageAccountType } = objectOr(target)
      const state = states.find((one) => one.region === name)
      const type = String(storageAccountType ?? '').replace(/^Standard_(LRS)?|_LRS$/g, '')
      const count = Number(regionalReplicaCount ?? 1) > 1 ? `×${regionalReplicaCount}` : ''
      const under =
        state && state.state !== 'Completed' ? `(${state.state} ${state.progress} %)` : ''
      return [name, count, type, under].filter((part) => part !== '').join(' ')
    })
    .join(', ')
}

/** Follows what `answer` began, with progress for each region, and shows the version as it is then. */
async function followed(
  context: Context,
  path: string,
  answer: Parameters<typeof followVersion>[0]['answer'],
) {
  const session = await context.connect()
  const { world, signal, err: terminal } = context
  await followVersion({ session, versionPath: path, terminal, world, signal, answer })
  const value = await readResource(context, { path, apiVersion, expand: 'ReplicationStatus' })
  return { value, columns }
}

const create = command({
  name: 'create',
  says: 'Publish an image version and replicate it; each region is usable as soon as it is complete.',
  more: 'The source lies in the region of the version (--location), which is one of the target regions. Of a file (--from) only what the server has not is sent; when the command is cut off, the same command goes on where it stopped.',
  examples: [
    'vitrine image-version create -g images -r corpImages -i debian -e 1.0.1 --from debian.qcow2 \\',
    '    --target-regions westeurope=1=standard_zrs northeurope=2 eastus',
    'vitrine image-version create -g images -r corpImages -i debian -e 1.0.0 --os-snapshot debian-source \\',
    '    --target-regions westeurope=1=standard_zrs northeurope=2 eastus',
    'vitrine image-version create -g images -r corpImages -i debian -e 1.0.1 \\',
    '    --os-vhd-uri https://127.0.0.1:8443/vhds1/vhds/os.vhd --os-vhd-storage-account vhds1',
  ],
  flags: {
    ...{ ...names, location, ...fromFile, ...sources, ...publishing, storageType, tags },
    ...{ noWait, whatIf },
  },
  run: async (context, given) => {
    const session = await context.connect()
    const { paths } = session
    if (given.whatIf && given.from !== undefined)
      throw new UsageError(
        '--what-if sends nothing: upload the file first (vitrine disk upload), and name the disk.',
      )
    const location = await locationOr(context, given.location, given.group)
    const { remove, ...from } = await sourceFrom(context, { ...given, location })
    const { imageVersion } = given
    const { signal } = context
    const named = imageVersion && {
      imageVersion: await versionIdOf(session, imageVersion, { region: location, signal }),
    }
    const storageProfile = await storageProfileOf(
      { ...given, ...named, ...from },
      {
        imageId: (image) => idOf(image, (text) => paths.image(given.group, text)),
        diskId: (source) => diskOrSnapshotId(context, session, { group: given.group, source }),
        accountId: (account) => idOf(account, (text) => paths.storageAccount(given.group, text)),
      },
    )
    const body = {
      location,
      ...tagsOf(given.tags),
      properties: { ...publishedProperties(given, {}), storageProfile },
    }
    const target = { path: paths.version(given), apiVersion, body, command: 'image-version' }
    if (given.whatIf) return await foreseen(context, { ...target, onlyNew: true })
    const answer = await putNew(context, target)
    // An accepted version needs its source no more.
    await remove()
    if (!given.noWait) return await followed(context, target.path, answer)
    hintOperation(context, answer.headers)
    return { value: objectIn(answer), columns }
  },
})

const update = command({
  name: 'update',
  says: 'Change regions, replicas and dates of a version; only what changed is copied or freed.',
  more: 'Regions that are left out of --target-regions are taken away.',
  examples: [
    'vitrine image-version update -g images -r corpImages -i debian -e 1.0.0 --target-regions westeurope eastus=3',
  ],
  flags: { ...versionNamed, ...publishing, tags, noWait, whatIf },
  run: async (context, given) => {
    const session = await context.connect()
    const path = await versionPath(session, given, context.signal)
    const edit = (before: JsonObject): JsonObject => ({
      ...before,
      ...tagsOf(given.tags),
      properties: publishedProperties(given, propertiesOf(before)),
    })
    if (given.whatIf) {
      const body = edit(await readResource(context, { path, apiVersion }))
      return await foreseen(context, { path, apiVersion, body })
    }
    const answer = await editResource(context, { path, apiVersion, edit })
    if (!given.noWait) return await followed(context, path, answer)
    hintOperation(context, answer.headers)
    return { value: objectIn(answer), columns }
  },
})

const list = command({
  name: 'list',
  says: 'List the versions of an image definition.',
  flags: {
    ...{ group, gallery, definition },
    softDeleted: on('--soft-deleted', 'Those that are soft deleted: `restore` brings them back.'),
  },
  run: async (context, given) => {
    const { paths } = await context.connect()
    if (given.softDeleted)
      return { value: await softDeletedOf(context, given), columns: softDeletedColumns }
    const path = `${paths.definition(given.group, given.gallery, given.definition)}/versions`
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show a version and where it is replicated.',
  examples: ['vitrine image-version show Contoso:Debian:13:latest --watch'],
  flags: {
    ...versionNamed,
    watch: on('--watch', 'Show the progress of each region until all are done.'),
  },
  run: async (context, given) => {
    const session = await context.connect()
    const { world, signal, err: terminal } = context
    const path = await versionPath(session, given, signal)
    if (given.watch) await watchVersion({ session, versionPath: path, terminal, world, signal })
    const value = await readResource(context, { path, apiVersion, expand: 'ReplicationStatus' })
    return { value, columns }
  },
})

const space = command({
  name: 'space',
  says: 'Show what a version takes up in each region, and how much of it no other image needs.',
  more: 'Bytes as they are stored, of all replicas and zones of a region. A deletion frees whole packs; what is left of others goes later, when they are packed anew.',
  examples: ['vitrine image-version space Contoso:Debian:13:latest'],
  flags: { ...versionNamed },
  run: async (context, given) => {
    const session = await context.connect()
    const path = await versionPath(session, given, context.signal)
    const value = await readSpace(session, path, context.signal)
    return { value, columns: spaceColumns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Delete a version in every region.',
  more: 'Where its gallery has soft delete on, it can be restored for 7 days.',
  examples: ['vitrine image-version delete Contoso:Debian:13:1.0.0'],
  flags: {
    ...versionNamed,
    purge: on('--purge', 'End for good what is soft deleted.'),
    noWait,
    whatIf,
  },
  run: async (context, given) => {
    const session = await context.connect()
    const asked = await namesOf(session, given, context.signal)
    if (asked.version === 'latest')
      throw new UsageError('Name the version that is to go: latest may be another one by then.')
    const path = session.paths.version(asked)
    if (given.whatIf) return await foreseen(context, { path, apiVersion, body: undefined })
    if (!given.purge) await mustBeThere(context, path)
    return await deleteResource(context, { path, apiVersion, noWait: given.noWait })
  },
})

const wait = command({
  name: 'wait',
  says: 'Wait until a version is there, up to date, or gone.',
  flags: { ...versionNamed, ...waitFlags },
  run: async (context, given) => {
    const session = await context.connect()
    const asked = await namesOf(session, given, context.signal)
    return await waitUntil(context, given, {
      path: session.paths.version(asked),
      apiVersion,
      what: `The version ${asked.version}`,
      show: 'vitrine image-version show --watch',
    })
  },
})

export const imageVersionCommands: CommandGroup = {
  name: 'image-version',
  says: 'Image versions: what machines are made from.',
  commands: [
    create,
    list,
    show,
    space,
    healthCommand,
    verifyCommand,
    update,
    remove,
    restoreCommand,
    wait,
    downloadCommand,
  ],
}
