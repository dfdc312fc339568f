import { StartError } from '../base/start-error.ts'
import type { World } from '../base/world.ts'
import { lookAtStore } from '../blobs/open-blobs.ts'
import { partNames } from '../domain/health.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { addressOfPlace } from './space-place.ts'
import {
  type BadBlob,
  openSurvey,
  type Survey,
  type SurveyedRoot,
  surveyPacks,
  surveyRoots,
} from './space-survey.ts'

const strayTold = 1_000
const pageRows = 500

/** What a space that no `store.json` names is called here. */
const unnamed = 'unnamed/Standard_LRS/1' as SpaceId

export type SpaceReport = {
  readonly place: string
  /** As its `store.json` says; null: there is none, or none of format 1. */
  readonly store: {
    readonly installation: string
    readonly space: string
    readonly id: string | null
  } | null
  readonly packs: number
  readonly bytes: number
  readonly badPacks: readonly BadBlob[]
  /** Good packs that no root needs, at most 1,000: left over, or of a root that is gone. */
  readonly strayPacks: readonly string[]
  readonly roots: readonly RootReport[]
  readonly badRoots: readonly BadBlob[]
  /** All is there and as it should be. */
  readonly isSound: boolean
}

type RootReport = {
  readonly root: string
  readonly keeper: string
  readonly isSound: boolean
  readonly disks: readonly {
    readonly lun: number | null
    readonly image: string
    readonly virtualSizeBytes: number | null
    readonly occupiedBytes: number | null
    readonly lost: readonly {
      readonly part: string
      readonly digest: string
      readonly offsetBytes: number
    }[]
  }[]
}

/**
 * Verifies a space with nothing but its blobs: every pack against its name, then from every root all that its disks
 * consist of. Changes nothing. Throws StartError when there is nothing of a space, Unavailable.
 */
export async function checkSpace(
  place: string,
  {
    world,
    lanes,
    signal,
  }: { readonly world: World; readonly lanes: number; readonly signal: AbortSignal },
): Promise<SpaceReport> {
  const address = addressOfPlace(place)
  const seen = await lookAtStore(address)
  if (seen.is === 'empty') throw new StartError(`There is nothing of a space at ${place}.`)
  const space = parseSpaceId(seen.owner?.space ?? '')?.id ?? unnamed
  const survey = await openSurvey({ address, space, lanes, world, signal })
  try {
    const found = await surveyPacks(survey)
    const { roots, bad: badRoots } = await surveyRoots(survey)
    const told = roots.map(reportOf)
    const store = seen.owner ? { ...seen.owner, id: seen.owner.id ?? null } : null
    return {
      place,
      store,
      packs: found.packs,
      bytes: found.bytes,
      badPacks: found.bad,
      strayPacks: await straysOf(survey, roots),
      roots: told,
      badRoots,
      isSound:
        store !== null &&
        found.bad.length + badRoots.length === 0 &&
        told.every(({ isSound }) => isSound),
    }
  } finally {
    await survey.close()
  }
}

function reportOf({ key, root, disks }: SurveyedRoot): RootReport {
  return {
    root: key,
    keeper: root.keeper,
    isSound: disks.every(({ lost, sizes }) => lost.length === 0 && sizes !== undefined),
    disks: disks.map(({ lun, image, sizes, lost }) => ({
      lun: lun ?? null,
      image,
      virtualSizeBytes: sizes?.virtualSizeBytes ?? null,
      occupiedBytes: sizes?.occupiedBytes ?? null,
      lost: lost.map(({ kind, ...part }) => ({ part: partNames[kind], ...part })),
    })),
  }
}

async function straysOf(
  { plane, space, bad }: Survey,
  roots: readonly SurveyedRoot[],
): Promise<readonly string[]> {
  const needed = new Set(roots.flatMap(({ disks }) => disks.flatMap((disk) => [...disk.packs])))
  const strays: string[] = []
  for (let after = 0; strays.length < strayTold; ) {
    const page = await plane.rows.liveAfter(space, after, pageRows)
    const last = page.at(-1)
    if (!last) break
    after = last.id
    for (const { id, pack, key } of page) if (!bad.has(id) && !needed.has(pack)) strays.push(key)
  }
  return strays.slice(0, strayTold).sort()
}
