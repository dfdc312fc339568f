import { createHash } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { World } from '../base/world.ts'
import type { SigninRows, SigninState } from '../domain/signin-rows.ts'
import { errors, Provider } from './oidc-library.ts'
import { opened, seal } from './sealed-secrets.ts'

/** How often a device may ask whether its code was confirmed: what it is told, less what its clock may be off. */
export const deviceIntervalS = 5
const deviceIntervalMs = (deviceIntervalS - 2) * 1000
/** A device that asks too late is told so, for a while. */
const overMs = 15 * 60_000

/** How long after its first use a refresh token may be shown again: who has a copy of it later ends the sign-in. */
const graceMs = 30_000

export type StateParts = {
  readonly signin: SigninRows
  /** 32 bytes. */
  readonly stateKey: Uint8Array
  readonly tenantId: string
  readonly world: Pick<World, 'now'>
}

/**
 * Where the library keeps what outlives a request. Rows are named by hashes of what clients hold, and sealed: who reads
 * them can use none. What may be used once is used once, however many processes are asked at the same instant.
 */
export function openStateAdapter(parts: StateParts): (model: string) => Adapter {
  return (model) => adapterOf(model, parts)
}

function adapterOf(model: string, { signin, stateKey, tenantId, world }: StateParts): Adapter {
  const nowMs = () => world.now().getTime()
  const hash = (...name: string[]): string =>
    createHash('sha256')
      .update([tenantId, ...name].join('\n'))
      .digest('base64url')
  const keyOf = (id: string): string => hash(model, id)

  /** A program may ask twice at once, or again when it got no answer: within so long of the first use. */
  const isInGrace = ({ usedMs }: SigninState): boolean =>
    model === 'RefreshToken' && usedMs !== undefined && nowMs() - usedMs < graceMs

  function payloadOf(state: SigninState | undefined): AdapterPayload | undefined {
    const text = state && opened(stateKey, state.key, state.text)
    if (state === undefined || text === undefined) return undefined
    if (state.usedMs === undefined || isInGrace(state)) return JSON.parse(text)
    const consumed = Math.floor(state.usedMs / 1000)
    return { ...JSON.parse(text), consumed }
  }

  async function upsert(id: string, payload: AdapterPayload, expiresInS: number): Promise<void> {
    const key = keyOf(id)
    const grant = model === 'Grant' ? id : payload.grantId
    const state: SigninState = {
      key,
      kind: model,
      text: seal(stateKey, key, JSON.stringify(payload)),
      grant: grant === undefined ? undefined : hash('Grant', grant),
      alias: aliasOf(payload),
      accountId: accountOf(payload),
      expiresMs: nowMs() + expiresInS * 1000 + (model === 'DeviceCode' ? overMs : 0),
      usedMs: undefined,
    }
    if (model === 'ReplayDetection') {
      if (await signin.claim(state)) return
      throw new errors.InvalidClientAuth(usedAssertion)
    }
    await signin.put(state)
  }

  function aliasOf({ uid, userCode }: AdapterPayload): string | undefined {
    if (model === 'Session' && uid !== undefined) return hash('uid', uid)
    return userCode === undefined ? undefined : hash('userCode', userCode)
  }

  async function find(id: string): Promise<AdapterPayload | undefined> {
    const isPoll = model === 'DeviceCode' && Provider.ctx?.oidc.route === 'token'
    const key = keyOf(id)
    const state = await signin.find('key', key, nowMs())
    if (state && isPoll && !(await signin.ask(key, nowMs(), deviceIntervalMs))) {
      throw new errors.SlowDown()
    }
    return payloadOf(state)
  }

  async function consume(id: string): Promise<void> {
    const key = keyOf(id)
    if (await signin.use(key, nowMs())) return
    const state = await signin.find('key', key, nowMs())
    if (state && isInGrace(state)) return
    if (state?.grant !== undefined) await signin.remove('grant', state.grant)
    throw new errors.InvalidGrant(`${model} was used already`)
  }

  return {
    upsert,
    find,
    consume,
    findByUid: async (uid) => payloadOf(await signin.find('alias', hash('uid', uid), nowMs())),
    findByUserCode: async (code) =>
      payloadOf(await signin.find('alias', hash('userCode', code), nowMs())),
    destroy: (id) => signin.remove('key', keyOf(id)),
    revokeByGrantId: (grantId) => signin.remove('grant', hash('Grant', grantId)),
  }
}

/** Whose it is: who signed in, also where that is not taken up yet; of an assertion, the application. */
function accountOf({ accountId, iss, result, session }: AdapterPayload): string | undefined {
  return accountId ?? result?.login?.accountId ?? session?.accountId ?? iss
}

const usedAssertion = 'client assertion tokens must only be used once'
