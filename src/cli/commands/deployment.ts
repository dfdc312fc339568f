import { isObject, objectIn, objectOr } from '../../client/client.ts'
import { errorOf } from '../../client/client-error.ts'
import type { JsonObject } from '../../domain/rows.ts'
import type { Answer } from '../answer.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { errorLines } from '../error-lines.ts'
import { many, may, needs } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import {
  deleteResource,
  listResources,
  propertiesOf,
  putResource,
  readResource,
} from '../resources.ts'
import type { Column } from '../table.ts'
import { readParameters, readTemplateFile } from '../template-file.ts'
import { UsageError } from '../usage-error.ts'
import { noWait } from './common-flags.ts'

const apiVersion = apiVersions.deployments
const columns: readonly Column[] = [
  ['Name', 'name'],
  ['State', 'provisioningState'],
  ['Mode', 'mode'],
  ['Ended', 'timestamp'],
]
const group = may(
  '-g, --resource-group <name>',
  'Resource group. Left out: a deployment to the subscription.',
  { completes: 'group' },
)
const name = needs('-n, --name <name>', 'Name of the deployment.')
const named = { name, group }
const templated = {
  ...named,
  file: needs('-f, --template-file <file>', 'ARM template (JSON, comments allowed).'),
  location: may(
    '-l, --location <region>',
    'Of a deployment to the subscription: where its record lies.',
    {
      completes: 'region',
    },
  ),
  mode: may(
    '--mode <mode>',
    'Complete deletes what is in the group and not in the template, but nothing below what is.',
    {
      choices: ['Incremental', 'Complete'],
    },
  ),
  parametersFile: may('--parameters-file <file>', 'File of parameters.'),
  parameters: many('-p, --parameters <name=value...>', 'Parameters.', { read: pairOf }),
}

type Named = { readonly name: string; readonly group: string | undefined }

async function pathOf(context: Context, at: Pick<Named, 'group'>, name?: string): Promise<string> {
  const { paths } = await context.connect()
  const scope = at.group === undefined ? paths.subscription : paths.group(at.group)
  const all = `${scope}/providers/Microsoft.Resources/deployments`
  return name === undefined ? all : `${all}/${encodeURIComponent(name)}`
}

type Templated = Named & {
  readonly file: string
  readonly location: string | undefined
  readonly mode: string | undefined
  readonly parametersFile: string | undefined
  readonly parameters: readonly (readonly [string, string])[] | undefined
}

/** The template stands in it as its file has it, from the first line on: errors name lines. */
async function bodyOf(given: Templated): Promise<string> {
  const { text, template } = await readTemplateFile(given.file)
  const parameters = await readParameters(template, given.parametersFile, given.parameters ?? [])
  const { mode = 'Incremental', location } = given
  const place = location === undefined ? '' : `"location":${JSON.stringify(location)},`
  const [how, values] = [mode, parameters].map((each) => JSON.stringify(each))
  return `{${place}"properties":{"mode":${how},"parameters":${values},"template":${text}\n}}`
}

const create = command({
  name: 'create',
  says: 'Deploy an ARM template, and wait for its end.',
  examples: ['vitrine deployment create -g images -n first -f gallery.json -p galleryName=ours'],
  flags: { ...templated, noWait },
  run: async (context, given) => {
    const path = await pathOf(context, given, given.name)
    const body = await bodyOf(given)
    const value = await putResource(context, { path, apiVersion, body, noWait: given.noWait })
    return shown(value)
  },
})

const validate = command({
  name: 'validate',
  says: 'Judge a template as a deployment would, and write nothing.',
  flags: templated,
  run: async (context, given) => ({ value: await posted(context, given, 'validate'), columns }),
})

const whatIf = command({
  name: 'what-if',
  says: 'Show what a deployment would create, change and delete.',
  flags: templated,
  run: async (context, given) => {
    const { properties } = await posted(context, given, 'whatIf')
    const { changes } = objectOr(properties)
    const value = Array.isArray(changes) ? changes : []
    return {
      value,
      columns: [
        ['Change', 'changeType'],
        ['Resource', 'resourceId'],
      ],
    }
  },
})

async function posted(context: Context, given: Templated, action: string): Promise<JsonObject> {
  const { client } = await context.connect()
  const path = `${await pathOf(context, given, given.name)}/${action}`
  const { signal } = context
  const answer = await client.call('POST', path, { apiVersion, body: await bodyOf(given), signal })
  return objectIn({ url: answer.url, body: await client.wait(answer, { signal }) })
}

const show = command({
  name: 'show',
  says: 'Show a deployment with its outputs and its error.',
  flags: named,
  run: async (context, given) => {
    const path = await pathOf(context, given, given.name)
    return shown(await readResource(context, { path, apiVersion }))
  },
})

/** A deployment; below its line what it gives out, and what went wrong. */
function shown(value: JsonObject): Answer {
  const { outputs, error } = propertiesOf(value)
  const given = Object.entries(objectOr(outputs)).map(([name, output]) => {
    const { value } = objectOr(output)
    return `  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value ?? null)}`
  })
  const lines = given.length > 0 ? ['Outputs:', ...given] : []
  if (isObject(error)) {
    const wrong = errorOf({ error })
    lines.push(`Error (${wrong.code}): ${wrong.message}`, ...errorLines(wrong))
  }
  return { value, columns, ...(lines.length > 0 && { note: lines.join('\n') }) }
}

const list = command({
  name: 'list',
  says: 'List the deployments of a group, or of the subscription itself.',
  flags: { group },
  run: async (context, given) => {
    const path = await pathOf(context, given)
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const operations = command({
  name: 'operations',
  says: 'List what a deployment did to which resource.',
  flags: named,
  run: async (context, given) => {
    const path = `${await pathOf(context, given, given.name)}/operations`
    const value = await listResources(context, { path, apiVersion })
    return {
      value,
      columns: [
        ['Operation', 'provisioningOperation'],
        ['State', 'provisioningState'],
        ['Status', 'statusCode'],
        ['Resource', 'targetResource.id'],
      ],
    }
  },
})

const cancel = command({
  name: 'cancel',
  says: 'Begin nothing more of a deployment; what has begun goes on.',
  flags: named,
  run: async (context, given) => {
    const { client } = await context.connect()
    const path = `${await pathOf(context, given, given.name)}/cancel`
    await client.call('POST', path, { apiVersion, signal: context.signal })
    return undefined
  },
})

const remove = command({
  name: 'delete',
  says: 'Forget a deployment that has ended; what it deployed stays.',
  flags: named,
  run: async (context, given) => {
    const path = await pathOf(context, given, given.name)
    await deleteResource(context, { path, apiVersion, noWait: false })
    return undefined
  },
})

function pairOf(text: string): readonly [string, string] {
  const cut = text.indexOf('=')
  if (cut > 0) return [text.slice(0, cut), text.slice(cut + 1)]
  throw new UsageError(
    `--parameters '${text}' is not name=value. A file of parameters: --parameters-file FILE.`,
  )
}

export const deploymentCommands: CommandGroup = {
  name: 'deployment',
  says: 'ARM templates: deployed, judged, foretold.',
  commands: [create, validate, whatIf, show, list, operations, cancel, remove],
}
