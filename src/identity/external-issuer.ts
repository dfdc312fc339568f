import type { JSONWebKeySet } from 'jose'
import { z } from 'zod'
import type { World } from '../base/world.ts'
import { Unavailable } from '../domain/errors.ts'
import type { TrustedIssuer } from '../domain/trusted-issuers.ts'
import { getJson, isTrustworthy } from './issuer-client.ts'
import { inTenant, readKeySet } from './issuer-keys.ts'

/** Keys older than this are looked up again, while the old ones still serve. */
const freshMs = 3_600_000
/** A token whose key is not known makes them be looked up, but not for everybody who makes up a key id. */
const lookAgainMs = 30_000
/** An issuer that is away: its keys serve on for a day. Whoever signs in there cannot either. */
const keptMs = 24 * 3_600_000
const discoveryPath = '/.well-known/openid-configuration'

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.string() })

type ExternalIssuerParts = Pick<TrustedIssuer, 'issuer' | 'tenantId' | 'foreign'> & {
  /** PEM of the authorities of its certificate; left out, the usual ones. */
  readonly ca: string | undefined
  readonly world: Pick<World, 'now' | 'log'>
}

export type ExternalIssuer = TrustedIssuer & { close(): void }

/**
 * An OpenID issuer elsewhere: its keys by discovery, kept, and looked up again when they are old or a token names another.
 * `close` gives up a look-up that is under way.
 */
export function openExternalIssuer(parts: ExternalIssuerParts): ExternalIssuer {
  const { ca, world, ...trusted } = parts
  const { issuer, tenantId } = trusted
  const closing = new AbortController()
  let held: { readonly keys: JSONWebKeySet; readonly atMs: number } | undefined
  let triedMs = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined

  // Clocks that are put right run backwards, too.
  const isOver = (sinceMs: number, ms: number): boolean =>
    Math.abs(world.now().getTime() - sinceMs) >= ms

  async function look(): Promise<void> {
    const ask = { ca, signal: closing.signal }
    const document = Discovery.safeParse(await getJson(discoveryOf(issuer), ask))
    if (!document.success) throw new Unavailable(`${issuer} has no discovery document`)
    const { issuer: said, jwks_uri: address } = document.data
    if (inTenant(said, tenantId) !== issuer) {
      throw new Unavailable(`the document of ${issuer} is that of the issuer '${said}'`)
    }
    if (!isTrustworthy(address))
      throw new Unavailable(`${issuer} keeps its keys at no https address`)
    const keys = readKeySet(await getJson(address, ask), trusted)
    if (!keys) throw new Unavailable(`${address} has no key set`)
    const isSame = JSON.stringify(keys) === JSON.stringify(held?.keys)
    held = { keys: isSame && held ? held.keys : keys, atMs: world.now().getTime() }
  }

  /** One at a time; never rejects. */
  function refresh(): Promise<void> {
    triedMs = world.now().getTime()
    looking ??= look()
      .catch((error: unknown) => {
        const isAway = error instanceof Unavailable
        const facts = { issuer, error: isAway ? error.message : String(error) }
        world.log({ level: isAway ? 'warn' : 'error', event: 'issuer-away', ...facts })
      })
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  function known(): JSONWebKeySet {
    if (held && !isOver(held.atMs, keptMs)) return held.keys
    throw new Unavailable(`The keys of the issuer ${issuer} are not known: it does not answer.`)
  }

  function keys(missing?: string): JSONWebKeySet | Promise<JSONWebKeySet> {
    const mustWait = missing !== undefined || !held || isOver(held.atMs, keptMs)
    const isOld = held === undefined || isOver(held.atMs, freshMs)
    if (looking && mustWait) return looking.then(known)
    if ((mustWait || isOld) && isOver(triedMs, lookAgainMs)) {
      const done = refresh()
      if (mustWait) return done.then(known)
    }
    return known()
  }

  return { ...trusted, keys, close: () => closing.abort() }
}

function discoveryOf(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}${discoveryPath}`
}
