import { expect, it } from 'vitest'
import { mapBounded } from '../../../src/base/bounded.ts'
import { limits } from '../../../src/domain/limits.ts'
import type { SigninState } from '../../../src/domain/signin-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

function state(over: Partial<SigninState> & { readonly key: string }): SigninState {
  return {
    ...{ kind: 'RefreshToken', text: 'sealed', grant: undefined, alias: undefined },
    ...{ accountId: undefined, expiresMs: 100, usedMs: undefined },
    ...over,
  }
}

export function signinPromises(open: OpenStore): void {
  const { store } = useStore(open)

  it('what is put is found by its key and its other name, until it runs out', async () => {
    const { signin } = store()
    const one = state({ key: 'k', alias: 'a', grant: 'g', accountId: 'u' })
    await signin.put(one)
    expect(await signin.find('key', 'k', 99)).toEqual(one)
    expect(await signin.find('alias', 'a', 99)).toEqual(one)
    expect(await signin.find('key', 'k', 100)).toBeUndefined()
    expect(await signin.find('key', 'a', 99)).toBeUndefined()
    const changed = { ...one, text: 'other', expiresMs: 200 }
    await signin.put(changed)
    expect(await signin.find('key', 'k', 100)).toEqual(changed)
  })

  it('of many that use, claim or ask for one thing at once, one is the first', async () => {
    const { signin } = store()
    await signin.put(state({ key: 'code' }))
    const crowd = Array.from({ length: 8 })
    const firsts = (all: readonly boolean[]): number => all.filter(Boolean).length
    expect(firsts(await Promise.all(crowd.map(() => signin.use('code', 5))))).toBe(1)
    expect((await signin.find('key', 'code', 6))?.usedMs).toBe(5)
    const claims = crowd.map(() => signin.claim(state({ key: 'assertion' })))
    expect(firsts(await Promise.all(claims))).toBe(1)
    expect(firsts(await Promise.all(crowd.map(() => signin.ask('code', 9_000, 3_000))))).toBe(1)
    expect(await signin.ask('code', 11_999, 3_000)).toBe(false)
    expect(await signin.ask('code', 12_000, 3_000)).toBe(true)
  })

  it('what was used goes within an hour', async () => {
    const { signin } = store()
    const dayMs = 86_400_000
    await signin.put(state({ key: 'turned', expiresMs: 30 * dayMs }))
    await signin.put(state({ key: 'code', expiresMs: 1_000 }))
    expect([await signin.use('turned', 500), await signin.use('code', 500)]).toEqual([true, true])
    expect((await signin.find('key', 'turned', 501))?.expiresMs).toBe(3_600_500)
    expect((await signin.find('key', 'code', 501))?.expiresMs).toBe(1_000)
  })

  it('who has too many of a kind loses those that end first, and nobody else loses any', async () => {
    const { signin } = store()
    const { signinStatesOfAccountMax: max } = limits
    await signin.put(state({ key: 'other', accountId: 'v', expiresMs: 1 }))
    await signin.put(state({ key: 'nobody', expiresMs: 1 }))
    const put = (at: number) =>
      signin.put(state({ key: `k${at}`, accountId: 'u', expiresMs: 100 + at }))
    // All at once, the last would wait for a connection for longer than a store lets anybody wait.
    await mapBounded(Array(max).keys(), 10, put)
    await put(max)
    expect(await signin.find('key', 'k0', 0)).toBeUndefined()
    for (const key of ['k1', `k${max}`, 'other', 'nobody']) {
      expect((await signin.find('key', key, 0))?.key).toBe(key)
    }
  })

  it('all of a grant, and all of a person, goes at once', async () => {
    const { signin } = store()
    for (const key of ['a', 'b']) await signin.put(state({ key, grant: 'g', accountId: 'u' }))
    await signin.put(state({ key: 'c', grant: 'h', accountId: 'u' }))
    await signin.put(state({ key: 'd', grant: 'h', accountId: 'v' }))
    const left = async () => {
      const all = await Promise.all(['a', 'b', 'c', 'd'].map((key) => signin.find('key', key, 1)))
      return all.flatMap((one) => one?.key ?? []).join('')
    }
    await signin.remove('grant', 'g')
    expect(await left()).toBe('cd')
    await signin.remove('accountId', 'u')
    expect(await left()).toBe('d')
    await signin.remove('key', 'd')
    expect(await left()).toBe('')
  })

  it('tries are counted exactly, however many come at once, in a window that ends', async () => {
    const { signin } = store()
    const counted = await Promise.all(
      Array.from({ length: 10 }, () => signin.count('u', 1_000, 500)),
    )
    expect(counted.map(({ tries }) => tries).sort((a, b) => a - b)).toEqual([
      ...Array(10)
        .keys()
        .map((at) => at + 1),
    ])
    expect(counted.every(({ endsMs }) => endsMs === 1_500)).toBe(true)
    await signin.uncount('u', 'one')
    expect(await signin.count('u', 1_499, 500)).toEqual({ tries: 10, endsMs: 1_500 })
    expect(await signin.count('u', 1_500, 500)).toEqual({ tries: 1, endsMs: 2_000 })
    await signin.uncount('u', 'all')
    expect(await signin.count('u', 1_600, 500)).toEqual({ tries: 1, endsMs: 2_100 })
  })

  it('a sweep forgets what ran out, a page at a time, and nothing else', async () => {
    const { signin } = store()
    for (const [key, expiresMs] of [
      ['a', 5],
      ['b', 5],
      ['c', 6],
    ] as const) {
      await signin.put(state({ key, expiresMs }))
    }
    await signin.count('u', 0, 5)
    expect(await signin.sweep(5, 1)).toBe(1)
    expect(await signin.sweep(5, 1)).toBe(1)
    expect(await signin.sweep(5, 1)).toBe(0)
    expect((await signin.find('key', 'c', 5))?.key).toBe('c')
    expect(await signin.count('u', 0, 5)).toEqual({ tries: 1, endsMs: 5 })
  })
}
