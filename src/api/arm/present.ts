import type { JsonObject } from '../../domain/rows.ts'
import type { Shown } from '../../providers/read.ts'
import type { ArmDocument, ResourceType, Settings, Stored } from '../../resources/declaration.ts'
import { lower } from '../../resources/evolve.ts'
import type { Query } from './request.ts'

export type Presented = {
  readonly type: ResourceType
  readonly apiVersion: string
  readonly settings: Settings
  readonly query?: Query
  /** Left out: it is not told who else has it. */
  readonly tellsOthers?: boolean
  /** The state to show instead of the stored one. */
  readonly state?: string | undefined
}

/** A stored resource as the asked api-version shows it, in ARM's envelope order. */
export function present({ row, replicas }: Shown, how: Presented): JsonObject {
  const { type, apiVersion, settings, query } = how
  // The row was stored by this type's own schema.
  const stored = row as unknown as Stored<ArmDocument>
  const view = {
    replicas,
    expand: query?.get('$expand')?.toLowerCase(),
    select: query?.get('$select')?.toLowerCase(),
    tellsOthers: how.tellsOthers ?? false,
    settings,
  }
  const shown: JsonObject = type.show?.(stored, view) ?? row.doc
  const { location, tags, properties, ...rest } = shown
  const state = how.state ?? row.state
  const newest: JsonObject = {
    name: row.name,
    id: row.id,
    type: row.type,
    ...(location !== undefined && { location }),
    ...(tags !== undefined && { tags }),
    ...rest,
    systemData: systemData(row),
    properties: { ...(properties as JsonObject | undefined), provisioningState: state },
  }
  return lower(type, newest, apiVersion)
}

function systemData({ createdBy, createdMs, updatedBy, updatedMs }: Shown['row']): JsonObject {
  return {
    createdBy: createdBy.name,
    createdByType: createdBy.kind,
    createdAt: new Date(createdMs).toISOString(),
    lastModifiedBy: updatedBy.name,
    lastModifiedByType: updatedBy.kind,
    lastModifiedAt: new Date(updatedMs).toISOString(),
  }
}
