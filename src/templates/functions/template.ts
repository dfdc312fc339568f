import type { Json } from '../../domain/rows.ts'
import { unknown, type Value } from '../context.ts'
import { TemplateProblem } from '../problem.ts'
import {
  type Form,
  type FunctionGroup,
  form,
  integerAt,
  picked,
  refused,
  stringAt,
} from './function.ts'

/** What a template says of itself, and where it is deployed. */
export const templateFunctions: FunctionGroup = {
  parameters: picked(1, 1, (args, call): Value => {
    const name = stringAt(args, 0, call)
    const { context } = call
    const found =
      context.callParameters === undefined
        ? context.template.parameter(name, context)
        : context.callParameters.get(name.toLowerCase())
    if (found !== undefined) return found
    throw new TemplateProblem(
      `The template parameter '${name}' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details.`,
    )
  }),
  variables: picked(1, 1, (args, call): Value => {
    const name = stringAt(args, 0, call)
    if (call.context.callParameters !== undefined)
      throw refused(call.name, 'a function of the template cannot use its variables.')
    const found = call.context.template.variable(name, call.context)
    if (found !== undefined) return found
    throw new TemplateProblem(
      `The template variable '${name}' is not found. Please see https://aka.ms/arm-syntax-variables for usage details.`,
    )
  }),
  /** `copyIndex()`, `(offset)`, `(loop)`, `(loop, offset)`. */
  copyIndex: form(0, 2, (call) => {
    const values = call.args.map((arg) => call.evaluate(arg, call.context))
    if (values.includes(unknown)) return unknown
    const [first = null, second = null]: Json[] = values.filter((each) => each !== unknown)
    const loop = typeof first === 'string' ? first : undefined
    const offset = loop === undefined ? first : second
    const step = stepOf(call, loop)
    if (step === unknown) return unknown
    return step + (offset === null ? 0 : integerAt([offset], 0, call))
  }),
  /** Who deploys. */
  deployer: picked(0, 0, (_, { context }) => context.template.deployer),
  deployment: picked(0, 0, (_, { context }) => context.template.deployment()),
  environment: picked(0, 0, (_, { context }) => context.template.environment),
  resourceGroup: picked(0, 0, (_, call) => {
    const { group } = call.context.template.place
    if (group === undefined)
      throw new TemplateProblem(
        `The template function '${call.name}' is not expected at this location: the deployment is to a subscription.`,
      )
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
  tenant: picked(0, 0, (_, { context }) => {
    const { tenantId } = context.template.place
    return { id: `/tenants/${tenantId}`, tenantId, countryCode: '', displayName: tenantId }
  }),
  managementGroup: picked(0, 0, (_, call) => {
    throw refused(call.name, 'there are no management groups here.')
  }),
  providers: picked(1, 2, (args, call) => {
    const [namespace, type] = [stringAt(args, 0, call), stringAt(args, 1, call)]
    if (type === '') throw refused(call.name, 'name the type, too: its second argument.')
    const found = call.context.template.typeOf(`${namespace}/${type}`)
    if (found === undefined)
      throw refused(call.name, `the resource type '${namespace}/${type}' is not known.`)
    return {
      resourceType: found.resourceType.split('/').slice(1).join('/'),
      locations: found.locations,
      apiVersions: found.apiVersions,
    }
  }),
}

/** Without a name it is the loop of the resource, or the innermost one when the resource has none. */
function stepOf(call: Form, loop: string | undefined): number | typeof unknown {
  const { copies, rewrites } = call.context
  const found =
    loop === undefined
      ? (copies.findLast((each) => each.of === 'resource') ?? copies.at(-1))
      : copies.findLast((each) => each.name.toLowerCase() === loop.toLowerCase())
  if (found !== undefined) return found.index
  if (rewrites) {
    call.context.watch.openLoop = true
    return unknown
  }
  throw new TemplateProblem(
    loop === undefined
      ? "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified. Please see https://aka.ms/arm-copy for usage details."
      : `The template function 'copyIndex' names the loop '${loop}', which is not around this place. Please see https://aka.ms/arm-copy for usage details.`,
  )
}
