import type { World } from '../base/world.ts'
import type { SpaceSeen } from '../domain/health.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { ImportPolicy } from '../imports/import-policy.ts'
import type { Plane } from '../regions/plane.ts'
import type { ResourceType, Settings } from '../resources/declaration.ts'
import type { Store } from '../store/store.ts'
import type { ScrubPace } from './scrub-pace.ts'

/** What work stands on; handed over by `installation.ts`. */
export type WorkPorts = {
  readonly store: Store
  readonly plane: Plane
  readonly world: World
  readonly settings: Settings
  findType(type: string): ResourceType | undefined
  /** Makes a space before its first use. Throws Unavailable when it cannot keep bytes. */
  prepare(space: SpaceId): Promise<void>
  /** How long a condemned pack stays readable. */
  readonly sweepHoldMs: number
  /** From where files may be fetched, and with how much patience. */
  readonly imports: ImportPolicy
  /** The places where spaces lie, for those of this process's regions. */
  readonly places: SpacePlaces
  readonly health: HealthPorts
  /** An upload that gets no page for so long is given up. */
  readonly uploadKeptMs: number
  readonly auditKeptMs: number
  readonly eventsKeptMs: number
  /** Adds a key that tokens are signed with, where it is time; true when it did. Throws Unavailable. */
  rotateKeyWhenDue(): Promise<boolean>
}

export type SpacePlaces = {
  /** Changes nothing. Throws Unavailable when its place cannot be seen. */
  look(space: SpaceId): Promise<SpaceSeen>
  /** Makes its store with this id, or gives the id to the one that is there. Throws StoreForeign, Unavailable. */
  make(space: SpaceId, storeId: string): Promise<void>
}

export type HealthPorts = {
  /** Every pack is looked at once in so long. */
  readonly everyMs: number
  /** What all scrubs of this process read together. */
  readonly pace: ScrubPace
  /** How long a space that is gone is waited for before it is made anew; undefined: until somebody says so. */
  readonly rebuildAfterMs: number | undefined
}
