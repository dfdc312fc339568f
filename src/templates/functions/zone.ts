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
  toLogicalZone: made(3, 3, (args, call) => one(args, call, logicalIn)),
  toLogicalZones: made(3, 3, (args, call) => many(args, call, logicalIn)),
  toPhysicalZone: made(3, 3, (args, call) => one(args, call, physicalIn)),
  toPhysicalZones: made(3, 3, (args, call) => many(args, call, physicalIn)),
}

type Zone = { readonly logical: string; readonly physical: string }

function zonesOf(location: string, { context }: Call): readonly Zone[] {
  const region = context.template.regions.find(location)
  if (region === undefined) return []
  return region.zones.map((logical) => ({ logical, physical: physicalZone(region, logical) }))
}

type Translate = (zones: readonly Zone[], zone: string) => string

function one(args: readonly Json[], call: Call, translate: Translate): string {
  return translate(zonesOf(stringAt(args, 1, call), call), stringAt(args, 2, call))
}

function many(args: readonly Json[], call: Call, translate: Translate): readonly string[] {
  const zones = zonesOf(stringAt(args, 1, call), call)
  const asked = arrayAt(args, 2, call)
  return asked.map((_, at) => translate(zones, stringAt(asked, at, call)))
}

/** '' for what is no zone there, as in Azure. */
function logicalIn(zones: readonly Zone[], zone: string): string {
  return zones.find(({ physical }) => physical === zone.toLowerCase())?.logical ?? ''
}

function physicalIn(zones: readonly Zone[], zone: string): string {
  return zones.find(({ logical }) => logical === zone)?.physical ?? ''
}
