import type { Expected } from '../../support/answer-faults.ts'
import type { Arm } from '../../support/arm.ts'

/** A request and its answer: `told` where its end is, `rated` from which of compute's buckets it is. */
export type Step = readonly [
  ask: string,
  at: string,
  status: number,
  more?: {
    readonly told?: Expected['told']
    readonly rated?: string
    readonly body?: unknown
    /** The next step needs its end. */
    readonly waits?: boolean
  },
]

export type World = {
  readonly arm: Arm
  readonly subscription: string
  readonly disk: string
  readonly principalId: string
  /** The id of a storage account, and the URL of a package in it. */
  readonly account: string
  readonly packageUrl: string
  /** As which `all` is shared to this subscription, and `everybody` to all. */
  readonly uniqueName: string
  readonly publicName: string
}

/** The life of a resource of a type, each of its verbs once and again. `name`: of its own at each api-version. */
export type Life = (name: string, api: string, world: World) => readonly Step[]

export const west = { location: 'westeurope' }
export const tagged = { ...west, tags: { a: 'b' } }
