/** The process died: every call after it fails the same way. */
export class Died extends Error {
  override readonly name = 'Died'
}

/** Counts the steps of port calls, two a call (before it acts, after it acted), and dies at one of them. */
export function openFuse(diesAt: number) {
  let steps = 0
  function burn(): void {
    steps += 1
    if (steps >= diesAt) throw new Died(`died at step ${diesAt}`)
  }
  return { burn, steps: () => steps, blown: () => steps >= diesAt }
}

export type Fuse = ReturnType<typeof openFuse>

/** The same port, whose promises burn the fuse. What answers no promise is left as it is. */
export function mortal<Port extends object>(port: Port, fuse: Fuse): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        fuse.burn()
        const answer: unknown = Reflect.apply(member, target, given)
        if (!(answer instanceof Promise)) return answer
        return answer.then((value: unknown) => {
          fuse.burn()
          return value
        })
      }
    },
  })
}
