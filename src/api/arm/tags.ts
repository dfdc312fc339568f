import { ArmError } from '../../domain/errors.ts'
import { parseResourceId } from '../../domain/resource-id.ts'
import type { TagCount, Tags } from '../../domain/tags.ts'
import { listTagNames, makeTagName, removeTagName } from '../../providers/tag-names.ts'
import {
  askedChange,
  changeTags,
  isSubscription,
  readTags,
  type Tagged,
} from '../../providers/tags.ts'
import { resourcesApiVersions } from '../../resources/api-versions.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, listAnswer, notAllowed } from './answer.ts'
import { mustHaveApiVersion } from './api-version.ts'

/** Of `Microsoft.Resources/tags`. */
export const tagsApiVersions = resourcesApiVersions.filter((version) => version >= '2019-10-01')

/** `{scope}/providers/Microsoft.Resources/tags/default`: the tags of a subscription, group or resource, and nothing else of it. */
export async function answerTags(
  request: ArmRequest,
  { scope, name }: Address & { readonly is: 'tags' },
): Promise<Answer> {
  const { apiVersion } = request.asked
  const type = 'Microsoft.Resources/tags'
  mustHaveApiVersion({ type, apiVersions: tagsApiVersions }, apiVersion)
  const id = parseResourceId(scope)
  if (!id || name.toLowerCase() !== 'default') {
    throw new ArmError('NotFound', `Nothing has tags under '${scope}/providers/${type}/${name}'.`)
  }
  const found = request.providers.findType(id.type)
  if (!found && !isSubscription(id)) {
    throw new ArmError('NotFound', `The resource type '${id.type}' is not served here.`)
  }
  const tagged: Tagged = { id, type: found }
  const tags = await tagsAfter(request, tagged)
  if (request.method === 'DELETE') return { status: 200 }
  return { status: 200, body: tagsBody(id.text, tags) }
}

async function tagsAfter(request: ArmRequest, tagged: Tagged): Promise<Tags> {
  const { method, providers, asked, preconditions } = request
  switch (method) {
    case 'GET':
      return readTags(providers, asked, tagged)
    case 'PUT':
    case 'PATCH': {
      const read = async () => askedChange(await request.json(), method)
      return changeTags(providers, asked, tagged, { verb: 'write', preconditions, read })
    }
    case 'DELETE': {
      const read = async () => () => ({})
      return changeTags(providers, asked, tagged, { verb: 'delete', preconditions, read })
    }
    default:
      throw notAllowed(method)
  }
}

function tagsBody(scope: string, tags: Tags) {
  return {
    id: `${scope}/providers/Microsoft.Resources/tags/default`,
    name: 'default',
    type: 'Microsoft.Resources/tags',
    properties: { tags },
  }
}

/** `…/tagNames[/{name}[/tagValues/{value}]]`: which tags a subscription has, and how often; names made ahead of their use. */
export async function answerTagNames(
  request: ArmRequest,
  { subscription, name, value }: Address & { readonly is: 'tagNames' },
): Promise<Answer> {
  const { method, providers, asked, query } = request
  if (name === undefined) {
    if (method !== 'GET') throw notAllowed(method)
    const after = query.get('$skiptoken')
    const { names, next } = await listTagNames(providers, asked, subscription, after)
    const texts = names.map((tag) => JSON.stringify(nameBody(subscription, tag)))
    return listAnswer(request, texts, next)
  }
  const target = { subscription, name, value }
  if (method === 'DELETE') {
    return { status: (await removeTagName(providers, asked, target)) ? 200 : 204 }
  }
  if (method !== 'PUT') throw notAllowed(method)
  const { tag, created } = await makeTagName(providers, asked, target)
  const body = nameBody(subscription, tag)
  const one = body.values.find(({ tagValue }) => tagValue === value)
  return { status: created ? 201 : 200, body: value === undefined ? body : one }
}

function nameBody(subscription: string, { name, count, values }: TagCount) {
  const id = `/subscriptions/${subscription}/tagNames/${name}`
  return {
    id,
    tagName: name,
    count: { type: 'Total', value: count },
    values: values.map(({ value, count }) => ({
      id: `${id}/tagValues/${value}`,
      tagValue: value,
      count: { type: 'Total', value: count },
    })),
  }
}
