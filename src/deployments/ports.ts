import type { Caller, KeptPrincipal } from '../domain/access.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import type { Asked, Providers } from '../providers/ports.ts'
import type { TypeFacts } from '../templates/place.ts'
import type { Hide } from './secrets.ts'

export const deploymentType = 'Microsoft.Resources/deployments'

/** What deployments stand on. */
export type DeploymentPorts = {
  readonly providers: Providers
  /** Of every type that can be named in a template, also of what is no resource of its own; undefined: not served. */
  typeOf(type: string): TypeFacts | undefined
  /** What `environment()` answers. */
  readonly environment: JsonObject
  readonly sealing: {
    /** Opens under the same name only. */
    seal(name: string, text: string): string
    /** Undefined when it does not open. */
    open(name: string, sealed: string): string | undefined
  }
}

/** A request to this installation without HTTP: judged as if the caller had sent it. */
export type Request = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly apiVersion: string
  readonly body?: JsonObject
}

export type Reply = {
  readonly status: number
  readonly headers: Readonly<Partial<Record<string, string>>>
  readonly body: Json | undefined
}

/** Who asks. `hide` takes out of what is told of a refusal what is secret in its request. */
export type Asking = Omit<Asked, 'apiVersion'> & { readonly hide: Hide }

/** Answers refusals too, as ARM renders them. Throws Unavailable, and what is our own fault. */
export type Send = (asking: Asking, request: Request) => Promise<Reply>

/** What the work needs besides. */
export type DeployPorts = DeploymentPorts & {
  readonly send: Send
  /** With what is his now. Throws Unavailable. */
  callerAgain(principal: KeptPrincipal): Promise<Caller>
}
