import { RegionAway } from '../domain/errors.ts'
import type { Holding, PackId } from '../domain/holdings.ts'
import type { WorkRequest } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'

/** Asks the workers of the region for the repair of one of its packs, which proved bad when another region read it. */
export function repairRequest({ space, pack }: Holding): WorkRequest {
  const region = parseSpaceId(space)?.region ?? ''
  const subject = `${space}#${pack}`
  return { kind: 'Repair', subject, queue: `region:${region}`, generation: 1, key: undefined }
}

/** Puts a pack right that another region could not read; what comes of it is logged. */
export function repair({ store, plane }: WorkPorts): Work {
  async function mend({ row }: Running): Promise<Outcome> {
    const [space, pack] = row.subject.split('#')
    const holders = await store.holdings.holdersOf([pack as PackId], [space as SpaceId])
    for (const holding of holders) {
      const repaired = await plane.repair(holding, { why: 'another region could not read it' })
      if (repaired === 'away') throw new RegionAway(`no good copy of ${pack} can be reached now`)
    }
    return { is: 'done' }
  }

  return { kind: 'Repair', steps: { mend } }
}
