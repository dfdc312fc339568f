import type { Json } from '../../domain/rows.ts'
import { interleaved } from '../resource-names.ts'
import { type Call, type FunctionGroup, made, refused, stringAt, unbounded } from './function.ts'

/** Ids of resources, whether there are such or not. */
export const resourceFunctions: FunctionGroup = {
  /** `([subscription], [group], type, name, …)` */
  resourceId: made(2, unbounded, (args, call) => {
    const { place } = call.context.template
    const [before, relative] = splitAtType(args, call, 2)
    const [first, second] = before
    const subscription = second !== undefined || place.group === undefined ? first : undefined
    const group = second ?? (place.group === undefined ? undefined : (first ?? place.group.name))
    const root = `/subscriptions/${subscription ?? place.subscription.id}`
    return group === undefined
      ? inSubscription(root, relative)
      : `${root}/resourceGroups/${group}/providers/${relative}`
  }),
  subscriptionResourceId: made(2, unbounded, (args, call) => {
    const [[subscription], relative] = splitAtType(args, call, 1)
    const root = `/subscriptions/${subscription ?? call.context.template.place.subscription.id}`
    return inSubscription(root, relative)
  }),
  tenantResourceId: made(2, unbounded, (args, call) => {
    const [, relative] = splitAtType(args, call, 0)
    return `/providers/${relative}`
  }),
  managementGroupResourceId: made(2, unbounded, (args, call) => {
    const [[group], relative] = splitAtType(args, call, 1)
    if (group === undefined)
      throw refused(call.name, 'no deployment here is to a management group: name one first.')
    return `/providers/Microsoft.Management/managementGroups/${group}/providers/${relative}`
  }),
  extensionResourceId: made(3, unbounded, (args, call) => {
    const [, relative] = splitAtType(args.slice(1), call, 0)
    return `${stringAt(args, 0, call).replace(/\/$/, '')}/providers/${relative}`
  }),
}

/** Groups lie in their subscription directly. */
function inSubscription(root: string, relative: string): string {
  const group = /^Microsoft\.Resources\/resourceGroups\/([^/]+)$/i.exec(relative)?.[1]
  return group === undefined ? `${root}/providers/${relative}` : `${root}/resourceGroups/${group}`
}

/** What comes before the type, and the type with its names: `Microsoft.Compute/galleries/g`. */
function splitAtType(
  args: readonly Json[],
  call: Call,
  beforeMax: number,
): [before: readonly string[], relative: string] {
  const texts = args.map((_, at) => stringAt(args, at, call))
  const at = texts.findIndex((text) => text.includes('/'))
  if (at < 0 || at > beforeMax)
    throw refused(
      call.name,
      'the type identifier must be fully qualified, as in Microsoft.Compute/galleries.',
    )
  const type = (texts[at] ?? '').replaceAll(/^\/|\/$/g, '')
  const names = texts.slice(at + 1)
  const relative = interleaved(type, names)
  if (relative !== undefined) return [texts.slice(0, at), relative]
  throw refused(
    call.name,
    `the type '${type}' requires '${type.split('/').length - 1}' resource name argument(s), and '${names.length}' were given.`,
  )
}
