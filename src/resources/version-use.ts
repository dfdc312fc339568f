import { type Problem, unless } from '../domain/problem.ts'
import { sameRegion } from '../domain/regions.ts'
import type { ResourceRow } from '../domain/rows.ts'
import { parseTime } from './coerce.ts'
import { contentOf, pins } from './content.ts'
import type { Fact, Settings } from './declaration.ts'
import { valueAt } from './paths.ts'

/** True when the version lies complete in this region. */
export function usableIn(fact: Fact, region: string): boolean {
  const { row, replicas } = fact
  if (!row || row.state === 'Deleting') return false
  const isUsable = replicas.some((replica) => replica.usable && sameRegion(replica.region, region))
  return isUsable && liesIn(fact, region)
}

/** True when there is content and all of it can be kept in this region: what nobody keeps is swept away. */
export function liesIn({ row, placements }: Fact, region: string): boolean {
  const disks = contentOf(row?.status ?? {})
  const kept = pins(placements, disks, { region, keeper: '' })
  return (
    disks.length > 0 && disks.every(({ image }) => kept.some((placed) => placed.image === image))
  )
}

/** Azure's words for a version that a region does not have. */
export function unavailableProblem(id: string, region: string): Problem {
  return {
    code: 'GalleryImageNotFound',
    message: `The gallery image ${id} is not available in ${region} region. Please contact image owner to replicate to this region, or change your requested region.`,
    target: 'imageReference',
  }
}

/** Requirement 27: nothing is made from a version after its end of life. */
export function expiredProblems(
  version: ResourceRow,
  { settings, now }: { readonly settings: Settings; readonly now: Date },
): readonly Problem[] {
  const date = valueAt(version.doc, 'properties.publishingProfile.endOfLifeDate')
  const endMs = typeof date === 'string' ? parseTime(date) : undefined
  const enforced = settings.compatibility.endOfLife === 'enforce'
  return unless(
    !enforced || endMs === undefined || endMs > now.getTime(),
    'OperationNotAllowed',
    'imageReference',
    `The gallery image version ${version.id} reached its end of life on ${String(date)}: nothing can be created from it any more. Use a newer version, or set a later endOfLifeDate.`,
  )
}
