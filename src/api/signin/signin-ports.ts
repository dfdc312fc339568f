import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import type { World } from '../../base/world.ts'
import type { InvitationRows } from '../../domain/invitations.ts'
import type { PeopleRows } from '../../domain/signin-rows.ts'
import type { Guesses } from '../../identity/guesses.ts'
import type { Issuer } from '../../identity/issuer.ts'
import type { Issuers } from '../../identity/issuers.ts'
import type { Passwords } from '../../identity/passwords.ts'

export type SigninPorts = {
  readonly issuers: Issuers
  readonly passwords: Passwords
  readonly guesses: Guesses
  readonly people: PeopleRows
  readonly invitations: Pick<InvitationRows, 'open' | 'redeem'>
  ticketHash(ticket: string): string
  /** As people know it. */
  tenantName(tenantId: string): Promise<string>
  /** The tenant that made an application. */
  tenantOfClient(clientId: string): Promise<string | undefined>
  addressOf(request: IncomingMessage): string | undefined
  readonly world: Pick<World, 'now' | 'log'>
}

/** One request below the mount of a tenant. */
export type Asked = {
  readonly context: Context
  readonly issuer: Issuer
  /** `/{mount}`, as it was asked. */
  readonly mount: string
  readonly address: string | undefined
}
export type Answer = (asked: Asked) => Promise<Response>
/** What is answered: paths below a mount, with the methods that they take. */
export type SigninRoute = {
  readonly path: string
  readonly methods: readonly ('GET' | 'POST' | 'ALL')[]
  readonly answer: Answer
}
