import type { Store } from '../store/store.ts'
import type { Tracing } from './tracing.ts'

/** The same store; commits are spans, and the work that they ask for goes on in the trace of its request. */
export function tracedStore(store: Store, tracing: Tracing): Store {
  return {
    ...store,
    commit: (change) => tracing.commit((trace) => store.commit({ ...change, trace })),
  }
}
