import type { PeopleRows, SigninRows, SigninState } from '../../src/domain/signin-rows.ts'

/** What is under way of sign-ins, in maps; nobody has a password. */
export function openMemorySignin(): { readonly signin: SigninRows; readonly people: PeopleRows } {
  const states = new Map<string, SigninState>()
  const tries = new Map<string, { readonly tries: number; readonly endsMs: number }>()
  const asked = new Map<string, number>()
  const by = { key: 'key', alias: 'alias', grant: 'grant', accountId: 'accountId' } as const
  const signin: SigninRows = {
    find: async (member, hash, nowMs) =>
      [...states.values()].find((one) => one[by[member]] === hash && one.expiresMs > nowMs),
    put: async (state) => {
      states.set(state.key, state)
    },
    claim: async (state) => !states.has(state.key) && Boolean(states.set(state.key, state)),
    use: async (key, nowMs) => {
      const state = states.get(key)
      if (!state || state.usedMs !== undefined) return false
      return Boolean(states.set(key, { ...state, usedMs: nowMs }))
    },
    ask: async (key, nowMs, everyMs) => {
      if ((asked.get(key) ?? 0) > nowMs - everyMs) return false
      return Boolean(asked.set(key, nowMs))
    },
    remove: async (member, value) => {
      for (const one of states.values()) if (one[by[member]] === value) states.delete(one.key)
    },
    count: async (key, nowMs, windowMs) => {
      const held = tries.get(key)
      const isOver = held === undefined || held.endsMs <= nowMs
      const next = isOver
        ? { tries: 1, endsMs: nowMs + windowMs }
        : { ...held, tries: held.tries + 1 }
      tries.set(key, next)
      return next
    },
    uncount: async (key) => {
      tries.delete(key)
    },
    sweep: async () => 0,
  }
  const people: PeopleRows = {
    named: async () => undefined,
    membersNamed: async () => [],
    ofId: async () => undefined,
    setPassword: async () => false,
  }
  return { signin, people }
}
