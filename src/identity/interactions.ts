import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InteractionResults } from 'oidc-provider'
import type { Person } from '../domain/signin-rows.ts'
import { errors, type Provider } from './oidc-library.ts'
import { passwordStamp } from './password-stamp.ts'
import type { SigninSecrets } from './signin-secrets.ts'

/** A sign-in that waits for its user, in the browser that began it. */
export type Pending = {
  readonly uid: string
  /** `login`: who he is; `consent`: he is signed in, and whether the program may act for him. */
  readonly asks: 'login' | 'consent'
  readonly clientName: string
  /** Who is signed in in this browser. */
  readonly accountId: string | undefined
  /** What the program thinks who he is. */
  readonly loginHint: string | undefined
  /** Where the browser is sent with the code; undefined for a device. */
  readonly redirectUri: string | undefined
}

export type Decision =
  /** By the password that this names. */
  | { readonly is: 'signedIn'; readonly person: Pick<Person, 'id' | 'passwordHash'> }
  | { readonly is: 'agreed' }
  /** Somebody else is to sign in. */
  | { readonly is: 'signedOut' }
  | { readonly is: 'declined' }

export type Interactions = {
  /** Whether this browser has been at a page of this issuer, as one that sends a form must have. Throws Unavailable. */
  isKnown(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** Undefined when it has ended, or this is not its browser. Throws Unavailable. */
  pending(request: IncomingMessage, response: ServerResponse): Promise<Pending | undefined>
  /** Where the browser goes on; undefined as above. Throws Unavailable. */
  decide(
    request: IncomingMessage,
    response: ServerResponse,
    decision: Decision,
  ): Promise<string | undefined>
}

export function openInteractions(
  current: () => Promise<Provider>,
  { stateKey }: Pick<SigninSecrets, 'stateKey'>,
): Interactions {
  async function found(request: IncomingMessage, response: ServerResponse) {
    const provider = await current()
    try {
      return { provider, interaction: await provider.interactionDetails(request, response) }
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined
      throw error
    }
  }

  const pending: Interactions['pending'] = async (request, response) => {
    const one = await found(request, response)
    if (!one) return undefined
    const { params, prompt, session, uid } = one.interaction
    const client = await one.provider.Client.find(String(params.client_id))
    return {
      uid,
      asks: prompt.name === 'consent' ? 'consent' : 'login',
      clientName: client?.clientName ?? String(params.client_id),
      accountId: session?.accountId,
      loginHint: textOf(params.login_hint),
      redirectUri: textOf(params.redirect_uri),
    }
  }

  const decide: Interactions['decide'] = async (request, response, decision) => {
    const one = await found(request, response)
    if (!one) return undefined
    const { provider, interaction } = one
    if (decision.is === 'signedOut' || decision.is === 'signedIn') {
      // Whom the browser has signed in by now, which may be another than when this page was opened.
      const session = await provider.Session.get(provider.createContext(request, response))
      const accountId = decision.is === 'signedIn' ? decision.person.id : undefined
      const isOther = session.accountId !== undefined && session.accountId !== accountId
      if (isOther) await session.destroy()
      if (interaction.session) {
        delete interaction.session
        await interaction.persist()
      }
    }
    return provider.interactionResult(request, response, resultOf(decision, stateKey), {
      mergeWithLastSubmission: decision.is !== 'signedOut',
    })
  }

  const isKnown: Interactions['isKnown'] = async (request, response) => {
    const provider = await current()
    const session = await provider.Session.get(provider.createContext(request, response))
    return session.exp !== undefined
  }

  return { isKnown, pending, decide }
}

function resultOf(decision: Decision, stateKey: Uint8Array): InteractionResults {
  switch (decision.is) {
    case 'signedIn':
      return {
        login: {
          ...{ accountId: decision.person.id, amr: ['pwd'] },
          // The library carries it into all that comes of this.
          acr: passwordStamp(stateKey, decision.person) ?? '',
        },
      }
    case 'agreed':
      return { consent: {} }
    case 'signedOut':
      return {}
    case 'declined':
      return { error: 'access_denied', error_description: 'The user declined.' }
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
