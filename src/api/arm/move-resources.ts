import { moveResources, validateMove } from '../../providers/move.ts'
import type { Target } from '../../providers/ports.ts'
import type { Answer, ArmRequest } from './answer.ts'
import { operationHeaders } from './operations.ts'

export function isMoveAction(action: string): boolean {
  return /^(validate)?moveresources$/i.test(action)
}

/** Resources go to another group of their subscription, or are told whether they could. */
export async function answerMove(
  { providers, asked, json, origin }: ArmRequest,
  group: Target,
  action: string,
): Promise<Answer> {
  if (/^validate/i.test(action)) {
    await validateMove(providers, asked, group, json)
    return { status: 204 }
  }
  const operation = await moveResources(providers, asked, group, json)
  const { apiVersion } = asked
  const headers = operationHeaders(origin, operation, { region: undefined }, apiVersion, [
    'Location',
  ])
  return { status: 202, headers }
}
