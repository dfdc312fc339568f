import { sameType } from '../domain/resource-id.ts'
import { isFinal, type ResourceRow } from '../domain/rows.ts'
import { parseTime } from './coerce.ts'
import { valueAt } from './paths.ts'

/** The types that have an end of life, and where their document says it. */
export const endsOfLife: Readonly<Record<string, string>> = {
  'Microsoft.Compute/galleries/images': 'properties.endOfLifeDate',
  'Microsoft.Compute/galleries/images/versions': 'properties.publishingProfile.endOfLifeDate',
  'Microsoft.Compute/galleries/applications': 'properties.endOfLifeDate',
  'Microsoft.Compute/galleries/applications/versions': 'properties.publishingProfile.endOfLifeDate',
}

/** Epoch milliseconds; undefined for what says none. */
export function endOfLifeMs({ type, doc }: Pick<ResourceRow, 'type' | 'doc'>): number | undefined {
  const path = Object.entries(endsOfLife).find(([known]) => sameType(known, type))?.[1]
  const date = path === undefined ? undefined : valueAt(doc, path)
  return typeof date === 'string' ? parseTime(date) : undefined
}

/** Requirement 18: whether the end of life of a definition has come. */
export function isExpired(definition: ResourceRow, nowMs: number): boolean {
  const endMs = endOfLifeMs(definition)
  return endMs !== undefined && endMs <= nowMs
}

/** Why a version keeps its expired definition; undefined when it does not. Without a date of its own it ends with the definition. */
export function useOfVersion(version: ResourceRow, nowMs: number): string | undefined {
  const { name, deletedMs } = version
  if (deletedMs !== undefined) return `its version ${name} is soft deleted and can be restored`
  if (!isFinal(version.state)) return `its version ${name} is being changed`
  const endMs = endOfLifeMs(version)
  if (endMs === undefined || endMs <= nowMs) return undefined
  return `its version ${name} is supported until ${new Date(endMs).toISOString()}`
}
