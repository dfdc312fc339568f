import type { RegionName } from '../../src/domain/regions.ts'
import { deliverDuty } from '../../src/work/deliver-events.ts'
import { dropDuties } from '../../src/work/drop-uploads.ts'
import { duties } from '../../src/work/duties.ts'

const regions = ['any' as RegionName]
const kinds = [...duties(regions), ...dropDuties(regions), deliverDuty].map(({ kind }) => kind)

/** The kinds of work that never end, as a list in SQL. */
export const recurringWork = [...new Set(kinds)].map((kind) => `'${kind}'`).join(', ')
