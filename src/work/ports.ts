import type { World } from '../base/world.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { ImportPolicy } from '../imports/import-policy.ts'
import type { Plane } from '../regions/plane.ts'
import type { ResourceType, Settings } from '../resources/declaration.ts'
import type { Store } from '../store/store.ts'

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
  /** An upload that gets no page for so long is given up. */
  readonly uploadKeptMs: number
}
