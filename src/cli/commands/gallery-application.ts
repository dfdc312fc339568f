import { objectIn } from '../../client/client.ts'
import { type CommandGroup, command } from '../command.ts'
import { many, may, mayRead, needs, wholeNumber } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import {
  createResource,
  defined,
  deleteResource,
  listResources,
  locationOr,
  readResource,
} from '../resources.ts'
import type { Column } from '../table.ts'
import { parseTargetRegion } from '../target-regions.ts'
import { gallery, group, location, noWait, tags, tagsOf } from './common-flags.ts'

const apiVersion = apiVersions.galleries
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['Location', 'location'],
  ['OS', 'supportedOSType'],
  ['State', 'provisioningState'],
]
const versionColumns: readonly Column[] = [
  ['Name', 'name'],
  ['Location', 'location'],
  ['Package', 'publishingProfile.source.mediaLink'],
  ['State', 'provisioningState'],
]

const application = needs('-n, --application-name <name>', 'Gallery application.')
const version = needs('-e, --version-name <version>', 'Version: Major.Minor.Patch.')
const named = { group, gallery, application }
const versionNamed = { ...named, version }

const create = command({
  name: 'create',
  says: 'Create a gallery application: what the versions below it are.',
  examples: ['vitrine gallery-application create -g images -r corp -n agent --os-type Linux'],
  flags: {
    ...named,
    osType: needs('--os-type <type>', 'Operating system.', { choices: ['Linux', 'Windows'] }),
    description: may('--description <text>', 'What it is for.'),
    location,
    tags,
  },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const body = {
      location: await locationOr(context, given.location, given.group),
      ...tagsOf(given.tags),
      properties: defined({ supportedOSType: given.osType, description: given.description }),
    }
    const path = paths.application(given)
    const target = { path, apiVersion, body, command: 'gallery-application' }
    return { value: await createResource(context, target), columns }
  },
})

const list = command({
  name: 'list',
  says: 'List the applications of a gallery.',
  flags: { group, gallery },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = `${paths.gallery(given.group, given.gallery)}/applications`
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show a gallery application.',
  flags: named,
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.application(given)
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Delete a gallery application; it must have no versions.',
  flags: { ...named, noWait },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.application(given)
    return await deleteResource(context, { path, apiVersion, noWait: given.noWait })
  },
})

export const galleryApplicationCommands: CommandGroup = {
  name: 'gallery-application',
  says: 'Gallery applications: packages that machines install.',
  commands: [create, list, show, remove],
}

const createVersion = command({
  name: 'create',
  says: 'Take in a package as a version of a gallery application, and replicate it.',
  more: 'The package is a blob of a storage account here, in the region of the version, or a file of a host that the server may fetch from.',
  examples: [
    'vitrine gallery-application-version create -g images -r corp -n agent -e 1.0.0 --package-file-link https://HOST/ACCOUNT/apps/agent.zip --install-command ./install --remove-command ./remove',
  ],
  flags: {
    ...versionNamed,
    link: needs('--package-file-link <url>', 'Where the package is.'),
    configuration: may('--default-file-link <url>', 'Its configuration, unless a machine has one.'),
    install: needs('--install-command <text>', 'What installs it on a machine.'),
    remove: needs('--remove-command <text>', 'What takes it away.'),
    update: may('--update-command <text>', 'What updates it.'),
    targetRegions: many(
      '--target-regions <region...>',
      'Where it is wanted: region, region=replicas or region=replicas=type. Left out: its own.',
      { read: parseTargetRegion, completes: 'targetRegion' },
    ),
    endOfLifeDate: may('--end-of-life-date <date>', 'When support ends, e.g. 2030-01-31.'),
    location,
    tags,
  },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const { install, remove, update, targetRegions, endOfLifeDate } = given
    const source = defined({
      mediaLink: given.link,
      defaultConfigurationLink: given.configuration,
    })
    const manageActions = defined({ install, remove, update })
    const body = {
      location: await locationOr(context, given.location, given.group),
      ...tagsOf(given.tags),
      properties: {
        publishingProfile: defined({ source, manageActions, targetRegions, endOfLifeDate }),
      },
    }
    const path = paths.applicationVersion(given)
    const target = { path, apiVersion, body, command: 'gallery-application-version' }
    return { value: await createResource(context, target), columns: versionColumns }
  },
})

const listVersions = command({
  name: 'list',
  says: 'List the versions of a gallery application.',
  flags: named,
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = `${paths.application(given)}/versions`
    return { value: await listResources(context, { path, apiVersion }), columns: versionColumns }
  },
})

const showVersion = command({
  name: 'show',
  says: 'Show a version of a gallery application, with the state of its regions.',
  flags: versionNamed,
  run: async (context, given) => {
    const { paths } = await context.connect()
    const asked = { path: paths.applicationVersion(given), apiVersion, expand: 'ReplicationStatus' }
    return { value: await readResource(context, asked), columns: versionColumns }
  },
})

const urlOfVersion = command({
  name: 'url',
  says: 'Sign a URL with which any program pulls the package.',
  more: 'It gives what you may read at the time it is used, for 30 days unless it is told otherwise.',
  examples: [
    'curl -fOJ "$(vitrine gallery-application-version url -g images -r corp -n agent -e 1.0.0 -o tsv)"',
  ],
  flags: {
    ...versionNamed,
    lun: mayRead('--lun <n>', '0: the default configuration in its place.', wholeNumber('--lun')),
    expires: may('--expires <date>', 'When it ends. Default: in 30 days.'),
  },
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const path = `${paths.applicationVersion(given)}/providers/Vitrine.Gallery/signedUrls`
    const body = defined({ lun: given.lun, expiresOn: given.expires })
    const { signal } = context
    const answer = await client.call('POST', path, {
      apiVersion: apiVersions.vitrine,
      body,
      signal,
    })
    return { value: objectIn(answer), columns: [['URL', 'url']] }
  },
})

const removeVersion = command({
  name: 'delete',
  says: 'Delete a version of a gallery application in all regions.',
  flags: { ...versionNamed, noWait },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.applicationVersion(given)
    return await deleteResource(context, { path, apiVersion, noWait: given.noWait })
  },
})

export const applicationVersionCommands: CommandGroup = {
  name: 'gallery-application-version',
  says: 'Versions of gallery applications: the packages themselves.',
  commands: [createVersion, listVersions, showVersion, urlOfVersion, removeVersion],
}
