import { parseResourceId, type ResourceId } from '../../domain/resource-id.ts'

/** What belongs to template deployments of a scope. */
export type DeploymentAddress = {
  readonly is: 'deployments'
  /** A resource group or a subscription. */
  readonly scope: ResourceId
  readonly name: string | undefined
  /** In lower case: `operations`, `operationstatuses`, `cancel`, `validate`, `whatif`, `exporttemplate`. */
  readonly part: string | undefined
  readonly partId: string | undefined
}

const scope = '(/subscriptions/[^/]+(?:/resourcegroups/[^/]+)?)'
const below = '(?:/([^/]+)(?:/([^/]+)(?:/([^/]+))?)?)?'
const withProviders = new RegExp(
  `^${scope}/providers/microsoft\\.resources/deployments${below}$`,
  'i',
)
/** As Azure's clients ask for operations in a group. */
const withoutProviders = new RegExp(
  `^(/subscriptions/[^/]+/resourcegroups/[^/]+)/deployments${below}$`,
  'i',
)

export function deploymentAddress(text: string): DeploymentAddress | undefined {
  const found = withProviders.exec(text) ?? withoutProviders.exec(text)
  const id = found?.[1] === undefined ? undefined : parseResourceId(found[1])
  if (!found || !id) return undefined
  const [, , name, part, partId] = found
  return { is: 'deployments', scope: id, name, part: part?.toLowerCase(), partId }
}
