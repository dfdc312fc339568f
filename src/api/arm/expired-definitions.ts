import { mustBeAllowed } from '../../domain/access.ts'
import { readResource } from '../../providers/read.ts'
import { expiredDefinitions } from '../../views/expired-definitions.ts'
import { type Answer, notAllowed, type Resourceful } from './answer.ts'

/** Of a gallery: which definitions are past their end of life, which of them would go, and why the others stay. */
export async function answerExpired(request: Resourceful): Promise<Answer> {
  if (request.method !== 'GET') throw notAllowed(request.method)
  const { providers, asked, id } = request
  const action = 'Microsoft.Compute/galleries/images/read'
  mustBeAllowed(asked.caller, action, id.text)
  const { row } = await readResource(providers, asked, request, false)
  const nowMs = providers.world.now().getTime()
  return {
    status: 200,
    body: { value: await expiredDefinitions(providers.store.read, row, nowMs) },
  }
}
