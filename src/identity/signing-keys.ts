import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint } from 'jose'
import { z } from 'zod'
import type { World } from '../base/world.ts'
import { Unavailable } from '../domain/errors.ts'
import type { SecretRows } from '../domain/secrets.ts'

const secretName = 'issuer-signing-keys'
/** How long a process goes on with what it read. */
const freshMs = 30_000
/** A token whose key nobody knows makes the rows be read again, but not for everybody who makes up a key id. */
const lookAgainMs = 1_000
/** A key is published this long before it signs: who checks tokens may keep what it fetched for a day. */
const publishedAheadMs = 24 * 3_600_000
/** How long tokens of a key are good for after it stopped signing: an hour, the skew of clocks, and a stale process. */
const lingersMs = 2 * 3_600_000
/** How long a key signs where nobody says otherwise. */
export const keySignsForMs = 90 * 24 * 3_600_000

const replaceTriesMax = 8

const PublicKey = z.object({
  kty: z.literal('RSA'),
  use: z.literal('sig'),
  alg: z.literal('RS256'),
  kid: z.string(),
  n: z.string(),
  e: z.string(),
})
const PrivateKey = PublicKey.extend({
  d: z.string(),
  p: z.string(),
  q: z.string(),
  dp: z.string(),
  dq: z.string(),
  qi: z.string(),
})
/** In the order in which they sign; each from its time until the next one's. */
const KeyRing = z.object({
  keys: z.array(PrivateKey.extend({ signsFromMs: z.number().default(0) })).min(1),
})
type KeyRing = z.infer<typeof KeyRing>

type PrivateKeys = { readonly keys: z.infer<typeof PrivateKey>[] }
type PublicKeys = { readonly keys: z.infer<typeof PublicKey>[] }

/** RSA keys for RS256 as JSON Web Key Sets. Several processes share them; each looks again every half minute. */
export type SigningKeys = {
  /** The first one signs now. The same object until they change. Throws Unavailable. */
  signing(): Promise<PrivateKeys>
  /**
   * All that tokens may be signed with: of the past while such tokens last, of now, and of the future. The same object
   * until they change. Whoever knows of a key that is not among them says its `kid`: then the rows are read again, once a
   * second. Throws Unavailable.
   */
  verifying(missing?: string): PublicKeys | Promise<PublicKeys>
  /**
   * Adds a key that signs after a day, and drops those whose tokens have ended. False when the newest one has not signed
   * for so long, or another process came first. Throws Unavailable.
   */
  rotate(signedForMs: number): Promise<boolean>
  /**
   * A new key signs now, and no other one is good any more: tokens of a key that leaked end, in other processes within half
   * a minute. Durable once resolved. Throws Unavailable.
   */
  replace(): Promise<void>
}

/** The installation's signing keys, made at first use: every process and every restart gets the same. Throws Unavailable. */
export async function openSigningKeys(
  secrets: SecretRows,
  world: Pick<World, 'now'>,
): Promise<SigningKeys> {
  const nowMs = () => world.now().getTime()
  let readMs = nowMs()
  let { ring } = await readRing()
  let shown = show(ring, nowMs())

  async function readRing(): Promise<{ readonly text: string; readonly ring: KeyRing }> {
    const text = (await secrets.get(secretName)) ?? (await firstRing(secrets, nowMs()))
    return { text, ring: KeyRing.parse(JSON.parse(text)) }
  }

  async function refresh(): Promise<void> {
    readMs = nowMs()
    try {
      ring = (await readRing()).ring
    } catch (error) {
      // What is known stays good while the database is away.
      if (!(error instanceof Unavailable)) throw error
    }
  }

  const isOlder = (ageMs: number): boolean => Math.abs(nowMs() - readMs) >= ageMs

  function now(): typeof shown {
    const next = show(ring, nowMs())
    if (next.kids !== shown.kids) shown = next
    return shown
  }

  function verifying(missing?: string): PublicKeys | Promise<PublicKeys> {
    const isMissing = missing !== undefined && ring.keys.every(({ kid }) => kid !== missing)
    if (!isOlder(isMissing ? lookAgainMs : freshMs)) return now().verifying
    return refresh().then(() => now().verifying)
  }

  async function rotate(signedForMs: number): Promise<boolean> {
    const { text, ring: before } = await readRing()
    const atMs = nowMs()
    if ((before.keys.at(-1)?.signsFromMs ?? 0) + signedForMs > atMs) return false
    const fresh = { ...(await freshKey()), signsFromMs: atMs + publishedAheadMs }
    const keys = [...alive(before, atMs), fresh]
    const isOurs = await secrets.replace(secretName, text, JSON.stringify({ keys }))
    await refresh()
    return isOurs
  }

  async function replace(): Promise<void> {
    const fresh = { ...(await freshKey()), signsFromMs: nowMs() }
    const text = JSON.stringify({ keys: [fresh] })
    for (let tries = 0; tries < replaceTriesMax; tries++) {
      if (await secrets.replace(secretName, (await readRing()).text, text)) return refresh()
    }
    throw new Unavailable('other processes change the signing keys again and again')
  }

  return {
    async signing() {
      if (isOlder(freshMs)) await refresh()
      return now().signing
    },
    verifying,
    rotate,
    replace,
  }
}

/** What there is to be seen of a ring at an instant; `kids` tells whether that is the same as at another. */
function show(ring: KeyRing, nowMs: number) {
  const keys = alive(ring, nowMs)
  const signs = keys.findLast(({ signsFromMs }) => signsFromMs <= nowMs) ?? keys[0]
  const all = keys.toSorted((a, b) => Number(b === signs) - Number(a === signs))
  return {
    kids: all.map(({ kid }) => kid).join(),
    signing: { keys: all.map((key) => PrivateKey.parse(key)) },
    // The schema of the public half strips what must never be served.
    verifying: { keys: all.map((key) => PublicKey.parse(key)) },
  }
}

/** Those whose tokens may still be used, or will be. */
function alive({ keys }: KeyRing, nowMs: number): KeyRing['keys'] {
  return keys.filter((_, at) => {
    const next = keys[at + 1]
    return next === undefined || nowMs < next.signsFromMs + lingersMs
  })
}

async function firstRing(secrets: SecretRows, nowMs: number): Promise<string> {
  const first = { ...(await freshKey()), signsFromMs: nowMs }
  return secrets.putIfAbsent(secretName, JSON.stringify({ keys: [first] }))
}

async function freshKey(): Promise<z.infer<typeof PrivateKey>> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const jwk = privateKey.export({ format: 'jwk' })
  const kid = await calculateJwkThumbprint({ kty: 'RSA', n: jwk.n ?? '', e: jwk.e ?? '' })
  return PrivateKey.parse({ ...jwk, use: 'sig', alg: 'RS256', kid })
}
