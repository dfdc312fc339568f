import { mustBeAllowed } from '../../domain/access.ts'
import { findSubscription } from '../../providers/front-door.ts'
import { accountClaim } from '../../resources/blob-uri.ts'
import { accountNameProblems } from '../../resources/storage-account.ts'
import { type Answer, type ArmRequest, notAllowed } from './answer.ts'

/** Whether a storage account may be made under a name: it must be unique in the installation. */
export async function answerNameCheck(request: ArmRequest, subscription: string): Promise<Answer> {
  if (request.method !== 'POST') throw notAllowed(request.method)
  const { providers, asked } = request
  const action = 'Microsoft.Storage/checkNameAvailability/read'
  mustBeAllowed(asked.caller, action, `/subscriptions/${subscription}`)
  findSubscription(providers, subscription)
  const { name } = await request.json()
  const text = typeof name === 'string' ? name : ''
  const [problem] = accountNameProblems(text)
  if (problem) return unavailable('AccountNameInvalid', problem.message)
  const holder = await providers.store.read.claims.holderOf(accountClaim(text))
  if (holder === undefined) return { status: 200, body: { nameAvailable: true } }
  return unavailable('AlreadyExists', `The storage account named ${text} is already taken.`)
}

function unavailable(reason: string, message: string): Answer {
  return { status: 200, body: { nameAvailable: false, reason, message } }
}
