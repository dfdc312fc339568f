import type { Digest } from '../domain/digest.ts'
import { Unavailable } from '../domain/errors.ts'
import { type Holding, workOwner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { type HealedImage, healImage } from '../regions/heal-image.ts'
import type { Running } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'

/**
 * Makes the images that need packs which no space has whole complete again where they lie, chunk by chunk; what is good
 * nowhere is kept in rows and told. Answers how many images lost something. Repeatable. Throws SpaceFull, Unavailable.
 */
export async function healImages(
  ports: WorkPorts,
  running: Pick<Running, 'row' | 'signal' | 'write'>,
  { space, images }: { readonly space: SpaceId; readonly images: Iterable<Digest> },
): Promise<number> {
  const { store, plane } = ports
  const owner = workOwner(running.row.id)
  let lostCount = 0
  for (const image of images) {
    const others = await store.read.placements.spacesOf(image)
    // It may have left meanwhile.
    if (!others.includes(space)) continue
    const order = { owner, image, space, others, signal: running.signal }
    try {
      const healed = await healImage(plane, order)
      await keep(ports, running, { space, image, healed })
      if (healed.is === 'lost') lostCount += 1
    } finally {
      await plane.rows.release(owner)
    }
  }
  return lostCount
}

type Kept = { readonly space: SpaceId; readonly image: Digest; readonly healed: HealedImage }

async function keep(
  { world, plane }: WorkPorts,
  { row, write }: Pick<Running, 'row' | 'write'>,
  { space, image, healed }: Kept,
): Promise<void> {
  const parts = healed.is === 'lost' ? healed.parts : []
  const keepers = await write(async (rows) => {
    const owner = workOwner(row.id)
    if (healed.is === 'whole') {
      const { holdings } = healed
      const isThere = await rows.placements.reseat({ space, image, owner, holdings })
      const isPlaced = (await rows.placements.spacesOf(image)).includes(space)
      if (!isThere && isPlaced) throw new Unavailable(`a pack of ${image} left ${space} meanwhile`)
    }
    await rows.health.putLost(space, image, parts)
    return await rows.placements.keepersOf(space, image)
  })
  if (healed.is === 'whole') {
    world.log({ level: 'info', event: 'image-healed', space, image, keepers })
    return
  }
  const [first] = parts
  plane.moved.imagesDamaged += 1
  world.log({
    level: 'error',
    event: 'image-damaged',
    space,
    image,
    keepers,
    parts: parts.length,
    first,
  })
}

/** The images of a space that need any of these packs. */
export async function imagesOn(
  { store }: Pick<WorkPorts, 'store'>,
  holdings: readonly Holding[],
): Promise<ReadonlySet<Digest>> {
  const images = new Set<Digest>()
  for (const { id } of holdings) {
    for (const image of await store.read.health.imagesOn(id)) images.add(image)
  }
  return images
}
