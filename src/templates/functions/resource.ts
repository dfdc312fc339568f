import type { Json } from '../../domain/rows.ts'
import type { DeploymentPlace } from '../place.ts'
import {
  any,
  type Call,
  made,
  picked,
  refused,
  stringAt,
  type TemplateFunction,
} from './function.ts'

export const resourceFunctions: Readonly<Record<string, TemplateFunction>> = {
  resourceGroup: picked(0, 0, (_, call) => {
    const { group } = call.context.template.place
    if (group === undefined)
      throw refused(call.name, 'it is not available in a deployment to a subscription.')
    return {
      id: group.id,
      name: group.name,
      type: 'Microsoft.Resources/resourceGroups',
      location: group.location,
      tags: group.tags,
      properties: { provisioningState: 'Succeeded' },
    }
  }),
  subscription: picked(0, 0, (_, { context }) => {
    const { subscription, tenantId } = context.template.place
    return {
      id: `/subscriptions/${subscription.id}`,
      subscriptionId: subscription.id,
      tenantId,
      displayName: subscription.displayName,
    }
  }),
  resourceId: made(2, any, (args, call) => {
    const texts = args.map((_, at) => stringAt(args, at, call))
    const at = texts.findIndex((text) => text.includes('/'))
    if (at < 0 || at > 2) throw refused(call.name, noType)
    const [subscription, group] = scopeOf(texts.slice(0, at), call.context.template.place)
    const scope = `/subscriptions/${subscription}${group === undefined ? '' : `/resourceGroups/${group}`}`
    return `${scope}/providers/${joined(texts[at] ?? '', texts.slice(at + 1), call)}`
  }),
}

const noType =
  'the type identifier must be fully qualified, as in Microsoft.Compute/galleries, after at most a subscription id and the name of a resource group.'

function scopeOf(
  before: readonly string[],
  place: DeploymentPlace,
): [subscription: string, group: string | undefined] {
  if (before.length === 0) return [place.subscription.id, place.group?.name]
  if (before.length === 1) {
    const [only = ''] = before
    return place.group === undefined ? [only, undefined] : [place.subscription.id, only]
  }
  return [before[0] ?? '', before[1] ?? '']
}

/** `Microsoft.Compute/galleries/g/images/i` of a type and its names. */
function joined(typeText: string, names: readonly string[], { name }: Call): string {
  const [namespace = '', ...types] = typeText.replace(/^\/|\/$/g, '').split('/')
  if (types.length !== names.length)
    throw refused(
      name,
      `the type '${typeText}' requires '${types.length}' resource name argument(s), and '${names.length}' were given.`,
    )
  return [namespace, ...types.flatMap((type, at): Json[] => [type, names[at] ?? ''])].join('/')
}
