import { objectOr } from '../../client/client.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, command } from '../command.ts'
import { type Given, many, may, mayRead, needs, wholeNumber } from '../flag.ts'
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
import { UsageError } from '../usage-error.ts'
import { definition, gallery, group, location, noWait, tags, tagsOf } from './common-flags.ts'
import { expiredCommand } from './expired-definitions.ts'

const apiVersion = apiVersions.galleries
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['Location', 'location'],
  ['OS', 'osType'],
  ['OS state', 'osState'],
  ['Generation', 'hyperVGeneration'],
  ['Publisher', 'identifier.publisher'],
  ['Offer', 'identifier.offer'],
  ['SKU', 'identifier.sku'],
  ['State', 'provisioningState'],
]

/** What may be changed later, too. */
const changeable = {
  description: may('--description <text>', 'What the image is for.'),
  eula: may('--eula <text>', 'End-user licence agreement, or where it is.'),
  privacyStatementUri: may('--privacy-statement-uri <uri>', 'Where the privacy statement is.'),
  releaseNoteUri: may('--release-note-uri <uri>', 'Where the release notes are.'),
  endOfLifeDate: may('--end-of-life-date <date>', 'When support ends, e.g. 2030-01-31.'),
  minimumCpus: mayRead(
    '--minimum-cpu-core <n>',
    'Least vCPUs advised.',
    wholeNumber('--minimum-cpu-core'),
  ),
  maximumCpus: mayRead(
    '--maximum-cpu-core <n>',
    'Most vCPUs advised.',
    wholeNumber('--maximum-cpu-core'),
  ),
  minimumMemory: mayRead(
    '--minimum-memory <GB>',
    'Least memory advised.',
    wholeNumber('--minimum-memory'),
  ),
  maximumMemory: mayRead(
    '--maximum-memory <GB>',
    'Most memory advised.',
    wholeNumber('--maximum-memory'),
  ),
}

const fixed = {
  osType: needs('--os-type <type>', 'Operating system.', { choices: ['Linux', 'Windows'] }),
  publisher: needs('-p, --publisher <name>', 'First part of what identifies the image.'),
  offer: needs('-f, --offer <name>', 'Second part.'),
  sku: needs('-s, --sku <name>', 'Third part.'),
  osState: may('--os-state <state>', 'Generalized (default) or specialized.', {
    choices: ['Generalized', 'Specialized'],
  }),
  generation: may('--hyper-v-generation <generation>', 'Default V1.', { choices: ['V1', 'V2'] }),
  architecture: may('--architecture <name>', 'Default x64.', { choices: ['x64', 'Arm64'] }),
  disallowedDiskTypes: many(
    '--disallowed-disk-types <type...>',
    'Disk types it must not be used with.',
    {
      read: (text) => text,
    },
  ),
  features: many('--features <name=value...>', 'E.g. SecurityType=TrustedLaunch.', {
    read: parseFeature,
  }),
  planName: may('--plan-name <name>', 'Purchase plan of a Marketplace image: name.'),
  planPublisher: may('--plan-publisher <name>', 'Its publisher.'),
  planProduct: may('--plan-product <name>', 'Its product.'),
}

const create = command({
  name: 'create',
  says: 'Create an image definition: what the versions below it are.',
  more: 'Publisher, offer and SKU together are unique in a gallery.',
  examples: [
    'vitrine image-definition create -g images -r corpImages -i debian -p Contoso -f Debian -s 13 --os-type Linux',
  ],
  flags: { group, gallery, definition, ...fixed, location, ...changeable, tags },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const body = {
      location: await locationOr(context, given.location, given.group),
      ...tagsOf(given.tags),
      properties: { ...fixedProperties(given), ...changedProperties(given, {}) },
    }
    const path = paths.definition(given.group, given.gallery, given.definition)
    const target = { path, apiVersion, body, command: 'image-definition' }
    return { value: await createResource(context, target), columns }
  },
})

function fixedProperties(given: Given<typeof fixed>): JsonObject {
  const plan = defined({
    name: given.planName,
    publisher: given.planPublisher,
    product: given.planProduct,
  })
  return defined({
    osType: given.osType,
    osState: given.osState ?? 'Generalized',
    hyperVGeneration: given.generation ?? 'V1',
    architecture: given.architecture,
    identifier: { publisher: given.publisher, offer: given.offer, sku: given.sku },
    disallowed: given.disallowedDiskTypes && { diskTypes: given.disallowedDiskTypes },
    features: given.features,
    purchasePlan: Object.keys(plan).length > 0 ? plan : undefined,
  })
}

/** The changeable properties as they will be: what was given over what was there. */
function changedProperties(given: Given<typeof changeable>, before: JsonObject): JsonObject {
  const vCPUs = defined({ min: given.minimumCpus, max: given.maximumCpus })
  const memory = defined({ min: given.minimumMemory, max: given.maximumMemory })
  const recommended = merged(before.recommended, {
    ...(Object.keys(vCPUs).length > 0 ? { vCPUs } : {}),
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
  })
  return defined({
    description: given.description,
    eula: given.eula,
    privacyStatementUri: given.privacyStatementUri,
    releaseNoteUri: given.releaseNoteUri,
    endOfLifeDate: given.endOfLifeDate,
    recommended: Object.keys(recommended).length > 0 ? recommended : undefined,
  })
}

/** `over` laid over `under`, two levels deep. */
function merged(under: JsonObject[string] | undefined, over: JsonObject): JsonObject {
  const held = objectOr(under)
  const inner = Object.entries(over).map(([name, value]) => [
    name,
    { ...objectOr(held[name]), ...objectOr(value) },
  ])
  return { ...held, ...Object.fromEntries(inner) }
}

function parseFeature(text: string): JsonObject {
  const [name = '', value = '', ...rest] = text.split('=')
  if (name === '' || value === '' || rest.length > 0)
    throw new UsageError(`--features '${text}' is not understood; write name=value.`)
  return { name, value }
}

const list = command({
  name: 'list',
  says: 'List the image definitions of a gallery.',
  flags: { group, gallery },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = `${paths.gallery(given.group, given.gallery)}/images`
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show an image definition.',
  flags: { group, gallery, definition },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.definition(given.group, given.gallery, given.definition)
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const update = command({
  name: 'update',
  says: 'Change what may be changed of an image definition.',
  flags: { group, gallery, definition, ...changeable, tags },
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const path = paths.definition(given.group, given.gallery, given.definition)
    const answer = await editResource(context, {
      path,
      apiVersion,
      edit: (before) => {
        const held = propertiesOf(before)
        const properties = { ...held, ...changedProperties(given, held) }
        return { ...before, ...tagsOf(given.tags), properties }
      },
    })
    await client.wait(answer, { signal: context.signal })
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Delete an image definition; it must have no versions.',
  flags: { group, gallery, definition, noWait },
  run: async (context, given) => {
    const { paths } = await context.connect()
    const path = paths.definition(given.group, given.gallery, given.definition)
    return await deleteResource(context, { path, apiVersion, noWait: given.noWait })
  },
})

export const imageDefinitionCommands: CommandGroup = {
  name: 'image-definition',
  says: 'Image definitions: what versions have in common.',
  commands: [create, list, show, update, remove, expiredCommand],
}
