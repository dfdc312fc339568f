import { mustBeAllowed } from '../domain/access.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Asked } from '../providers/ports.ts'
import { isObject } from '../resources/paths.ts'
import { docOf, idOf, judge, type Sent } from './accept.ts'
import { type DeploymentPorts, deploymentType } from './ports.ts'
import { hidingOf, secretTexts } from './secrets.ts'

/** Judges a deployment as PUT would, and writes nothing: the deployment as it would be. Throws ArmError. */
export async function validateDeployment(
  ports: DeploymentPorts,
  asked: Asked,
  sent: Sent,
): Promise<JsonObject> {
  const { target } = sent
  mustBeAllowed(asked.caller, `${deploymentType}/validate/action`, target.text)
  const { request, plan, group } = await judge(ports, asked, sent)
  const { properties, ...doc } = docOf(request, plan, hidingOf(secretTexts(plan)))
  return {
    id: idOf(target, group),
    name: target.name,
    type: deploymentType,
    ...doc,
    properties: {
      ...(isObject(properties) ? properties : {}),
      provisioningState: 'Succeeded',
      timestamp: ports.providers.world.now().toISOString(),
      duration: 'PT0S',
      correlationId: asked.correlationId,
      validatedResources: plan.resources
        .filter(({ isExisting }) => !isExisting)
        .map(({ id }) => ({ id })),
    },
  }
}
