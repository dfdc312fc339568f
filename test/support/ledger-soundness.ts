import { expect } from 'vitest'
import { parseSpaceId } from '../../src/domain/spaces.ts'
import { contentOf } from '../../src/resources/content.ts'
import type { Tables } from './engine-database.ts'

/** The ledger says what is there: counted anew from replicas and roots. What was paid for is each beginning in another region, once. */
export async function expectLedger(tables: Tables): Promise<void> {
  const intervals = (await tables.all('select * from intervals')).map((row) => ({
    what: `${row.version_key}@${row.region}`,
    ...existing(row.storage_type, row.replicas, row.occupied_bytes),
    sinceMs: Number(row.since_ms),
    untilMs: row.until_ms === null ? undefined : Number(row.until_ms),
  }))
  const open = intervals.filter(({ untilMs }) => untilMs === undefined)
  const told = open.map(({ sinceMs: _, untilMs: __, ...now }) => now)
  expect(told.toSorted(byName)).toEqual((await recounted(tables)).toSorted(byName))
  const begun: Record<string, number> = {}
  for (const { what, sinceMs, occupiedBytes } of intervals) {
    const goesOn = intervals.some((other) => other.what === what && other.untilMs === sinceMs)
    if (!goesOn && !isHome(what)) begun[what] = (begun[what] ?? 0) + occupiedBytes
  }
  const moves = await tables.all(
    `select version_key, to_region, sum(billed_bytes) as bytes from moves
     group by version_key, to_region having sum(billed_bytes) > 0`,
  )
  const billed = moves.map((row) => [`${row.version_key}@${row.to_region}`, Number(row.bytes)])
  expect(Object.fromEntries(billed)).toEqual(begun)
}

type Told = ReturnType<typeof existing> & { readonly what: string }

async function recounted(tables: Tables): Promise<Told[]> {
  const roots = await tables.all(
    `select keeper, space, image from placements join owners on owners.id = owner_id
     where root is not null`,
  )
  const usable = await tables.all(
    `select version_key, replicas.region, status from replicas
     join resources on resources.key = version_key where usable = 1`,
  )
  return usable.flatMap(({ version_key: key, region, status }) => {
    const disks = contentOf(JSON.parse(String(status)))
    const here = roots.filter(
      ({ keeper, space }) => keeper === key && parseSpaceId(String(space))?.region === region,
    )
    const whole = here.filter(({ space }) =>
      disks.every(({ image }) => here.some((one) => one.space === space && one.image === image)),
    )
    const replicas = new Set(
      whole.map(({ space }) => String(space).split('/').slice(0, 3).join('/')),
    )
    const [first] = replicas
    if (first === undefined) return []
    const bytes = disks.reduce((sum, { occupiedBytes }) => sum + occupiedBytes, 0)
    return [{ what: `${key}@${region}`, ...existing(first.split('/')[1], replicas.size, bytes) }]
  })
}

function existing(storageType: unknown, replicas: unknown, occupiedBytes: unknown) {
  return {
    storageType: String(storageType),
    replicas: Number(replicas),
    occupiedBytes: Number(occupiedBytes),
  }
}

/** The stories' versions are of this region. */
function isHome(what: string): boolean {
  return what.endsWith('@westeurope')
}

function byName(one: Told, other: Told): number {
  return one.what < other.what ? -1 : 1
}
