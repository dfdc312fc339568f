import { z } from 'zod'
import { exportOptions, groupTemplate, type Shown } from '../../deployments/group-template.ts'
import { mustBeAllowed } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import {
  actionOn,
  parseResourceId,
  type ResourceId,
  resourceGroupType,
  sameType,
} from '../../domain/resource-id.ts'
import type { ResourceRow } from '../../domain/rows.ts'
import { mustExist, resourceNotFound } from '../../providers/front-door.ts'
import { refuse, type Target } from '../../providers/ports.ts'
import { parseBody } from '../../resources/parse.ts'
import { listEverything } from '../../views/resource-list.ts'
import type { Answer, ArmRequest } from './answer.ts'
import { present } from './present.ts'

const Export = z.object({
  resources: z.array(z.string().max(2_000)).min(1).default(['*']),
  options: z.string().max(1_000).default(''),
})

/** `POST {group}/exportTemplate`: a template of what is in a group, or of what of it is named, as far as the caller may read it. */
export async function answerGroupExport(
  request: ArmRequest,
  { id: group, type }: Target,
): Promise<Answer> {
  const { providers, asked } = request
  // Azure asks for no more than to read the group.
  mustBeAllowed(asked.caller, actionOn(type.type, 'read'), group.text)
  const parsed = parseBody(Export, await request.json())
  if ('problems' in parsed) refuse(parsed.problems)
  const { resources, options } = Export.parse(parsed.body)
  const asks = readOptions(options)
  await mustExist(providers, providers.store.read, group)
  const rows = resources.includes('*')
    ? await allRows(request, group)
    : await namedRows(request, group, resources)
  if (rows.length > limits.exportedResourcesMax) throw tooMany()
  const { template, left } = groupTemplate(
    rows.flatMap((row) => shownAs(request, row)),
    asks,
  )
  return { status: 200, body: { template, ...(left.length > 0 && { error: leftError(left) }) } }
}

function readOptions(said: string): Parameters<typeof groupTemplate>[1] {
  const words = said.split(',').map((word) => word.trim())
  const known = words.filter((word) => word !== '').map(optionNamed)
  return new Set(known)
}

function optionNamed(word: string) {
  const option = exportOptions.find((one) => one.toLowerCase() === word.toLowerCase())
  if (option) return option
  const message = `'${word}' is no option of an export. Allowed are ${exportOptions.join(', ')}, separated by commas.`
  throw new ArmError('InvalidParameter', message, 'options')
}

/** One more than may be exported tells that there are too many. */
async function allRows({ providers, asked }: ArmRequest, scope: ResourceId) {
  const types = providers.types.filter(
    ({ type, tracked }) => tracked && !sameType(type, resourceGroupType),
  )
  const rowsMax = limits.exportedResourcesMax + 1
  const listing = { types, caller: asked.caller, scope, filter: undefined, after: undefined }
  return (await listEverything(providers.store.read, { ...listing, rowsMax })).rows
}

async function namedRows(
  { providers, asked }: ArmRequest,
  group: ResourceId,
  resources: readonly string[],
): Promise<readonly ResourceRow[]> {
  const ids = new Map(
    resources.map((text) => {
      const id = resourceOf(group, text)
      return [id.key, id]
    }),
  )
  if (ids.size > limits.exportedResourcesMax) throw tooMany()
  for (const { type, text } of ids.values()) {
    mustBeAllowed(asked.caller, actionOn(type, 'read'), text)
  }
  const rows = await providers.store.read.resources.getMany([...ids.keys()])
  const found = new Map(rows.map((row) => [row.key, row]))
  return [...ids.values()].map((id) => {
    const row = found.get(id.key)
    if (row) return row
    throw resourceNotFound(id)
  })
}

function resourceOf(group: ResourceId, text: string): ResourceId {
  const id = parseResourceId(text)
  if (id?.key.startsWith(`${group.key}/providers/`)) return id
  const message = `'${text.slice(0, 200)}' is no resource of the resource group '${group.name}'.`
  throw new ArmError('InvalidParameter', message, 'resources')
}

function shownAs({ providers }: ArmRequest, row: ResourceRow): readonly Shown[] {
  const [type, id] = [providers.findType(row.type), parseResourceId(row.id)]
  if (!type || !id) return []
  const apiVersion = type.apiVersions.at(-1) ?? ''
  const how = { type, apiVersion, settings: providers.settings }
  return [{ type, id, body: present({ row, replicas: [] }, how) }]
}

function tooMany(): ArmError {
  return new ArmError(
    'ExportTemplateResourcesLimitExceeded',
    `Export template is not supported for resource groups that have more than '${limits.exportedResourcesMax}' resources. Name those to export in 'resources'.`,
  )
}

/** Azure's words; the template is there nevertheless. */
function leftError(types: readonly string[]) {
  return {
    code: 'ExportTemplateCompletedWithErrors',
    message:
      'Export template operation completed with errors. Some resources were not exported. Please see details for more information.',
    details: types.map((target) => ({
      code: 'ExportTemplateProviderError',
      target,
      message: `Could not get resources of the type '${target}'. Resources of this type will not be exported.`,
    })),
  }
}
