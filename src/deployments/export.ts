import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { DeploymentPorts } from './ports.ts'
import { deploymentNotFound, readDeployment } from './read.ts'

/** The template as it was sent. Throws DeploymentNotFound. */
export async function exportTemplate(
  ports: Pick<DeploymentPorts, 'providers'>,
  caller: Caller,
  target: ResourceId,
): Promise<JsonObject> {
  const row = await readDeployment(ports, caller, target, 'exportTemplate/action')
  const template = await ports.providers.store.read.deployments.templateOf(row)
  if (template === undefined) throw deploymentNotFound(target)
  if (template !== '') return { template: JSON.parse(template) }
  const message = `The template of '${target.name}' is not shown: values of secure parameters were written into it. Export the template of the deployment around it.`
  throw new ArmError('Conflict', message)
}
