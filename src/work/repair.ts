import { RegionAway } from '../domain/errors.ts'
import type { Holding, PackId } from '../domain/holdings.ts'
import type { WorkRequest } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import { healImages, imagesOn } from './heal.ts'
import type { WorkPorts } from './ports.ts'

/** Asks the workers of its region for the repair of a pack that is known to be bad. */
export function repairRequest({ space, pack }: Pick<Holding, 'space' | 'pack'>): WorkRequest {
  const region = parseSpaceId(space)?.region ?? ''
  const subject = `${space}#${pack}`
  return { kind: 'Repair', subject, queue: `region:${region}`, generation: 1, key: undefined }
}

/** Puts a bad pack right, or what images need of it; what comes of it is logged and kept in rows. */
export function repair(ports: WorkPorts): Work {
  const { store, plane } = ports

  async function mend(running: Running): Promise<Outcome> {
    const [space, pack] = running.row.subject.split('#')
    const holders = await store.holdings.holdersOf([pack as PackId], [space as SpaceId])
    const bad = await store.holdings.badAmong(holders.map(({ id }) => id))
    for (const holding of holders.filter(({ id }) => bad.has(id))) {
      const repaired = await plane.repair(holding, { why: 'it was found bad', again: true })
      if (repaired === 'away') throw new RegionAway(`no good copy of ${pack} can be reached now`)
      if (repaired !== 'damaged') continue
      const images = await imagesOn(ports, [holding])
      await healImages(ports, running, { space: holding.space, images })
    }
    return { is: 'done' }
  }

  return { kind: 'Repair', steps: { mend } }
}
