import { physicalZone } from '../../domain/regions.ts'
import type { Json } from '../../domain/rows.ts'
import {
  arrayAt,
  type Call,
  type FunctionGroup,
  integerAt,
  made,
  refused,
  stringAt,
} from './function.ts'

/** What a zone can be asked for, in lower case; all else that is in zones is in all of them. */
const zonalTypes = new Set([
  'microsoft.compute/disks',
  'microsoft.compute/virtualmachines',
  'microsoft.compute/virtualmachinescalesets',
  'microsoft.network/publicipaddresses',
])
const zonesMax = 3

export const zoneFunctions: FunctionGroup = {
  /** `(namespace, type, location, [number], [offset])` */
  pickZones: made(3, 5, (args, call) => {
    const type = `${stringAt(args, 0, call)}/${stringAt(args, 1, call)}`.toLowerCase()
    const number = args.length > 3 ? integerAt(args, 3, call) : 1
    const offset = args.length > 4 ? integerAt(args, 4, call) : 0
    if (number < 1 || number > zonesMax || offset < 0)
      throw refused(
        call.name,
        `the number of zones must be between '1' and '${zonesMax}', and the offset '0' or more.`,
      )
    const location = stringAt(args, 2, call)
    const zones = zonesOf(location, call).map(({ logical }) => logical)
    if (zones.length === 0 || !zonalTypes.has(type)) return []
    if (offset + number > zones.length)
      throw refused(call.name, `'${location}' has '${zones.length}' zones only.`)
    return zones.slice(offset, offset + number)
  }),
  /** `(subscription, location, zone)`: zones are the same in all subscriptions here. */
  toLogicalZone: made(3, 3, (args, call) => logicalOf(stringAt(args, 2, call), args, call)),
  toLogicalZones: made(3, 3, (args, call) =>
    arrayAt(args, 2, call).map((_, at, zones) => logicalOf(stringAt(zones, at, call), args, call)),
  ),
  toPhysicalZone: made(3, 3, (args, call) => physicalOf(stringAt(args, 2, call), args, call)),
  toPhysicalZones: made(3, 3, (args, call) =>
    arrayAt(args, 2, call).map((_, at, zones) => physicalOf(stringAt(zones, at, call), args, call)),
  ),
}

type Zone = { readonly logical: string; readonly physical: string }

function zonesOf(location: string, { context }: Call): readonly Zone[] {
  const region = context.template.regions.find(location)
  if (region === undefined) return []
  return region.zones.map((logical) => ({ logical, physical: physicalZone(region, logical) }))
}

/** '' for what is no zone there, as in Azure. */
function logicalOf(zone: string, args: readonly Json[], call: Call): string {
  const found = zonesOf(stringAt(args, 1, call), call).find(
    ({ physical }) => physical === zone.toLowerCase(),
  )
  return found?.logical ?? ''
}

function physicalOf(zone: string, args: readonly Json[], call: Call): string {
  const found = zonesOf(stringAt(args, 1, call), call).find(({ logical }) => logical === zone)
  return found?.physical ?? ''
}
