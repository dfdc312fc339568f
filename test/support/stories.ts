import type { ConfigOverrides } from '../../src/config.ts'
import {
  definition,
  diskId,
  gallery,
  group,
  imageId,
  snapshotId,
  versionId,
  type Wanted,
} from './as-owner.ts'
import type { Engine } from './engine.ts'
import { moveStory } from './move-story.ts'
import { softDeleteStory } from './soft-delete-story.ts'
import type { Contents } from './soundness.ts'

const mib = 1024 * 1024

/** Something that an owner does, told so that it may break off anywhere and be taken up again. */
export type Story = {
  readonly name: string
  /** Settings of the process, when it needs any. */
  readonly config?: ConfigOverrides
  /** What is there before. */
  prepare(engine: Engine): Promise<void>
  /** Each is asked again, of the next process, when the process died under it. */
  readonly steps: readonly ((engine: Engine) => Promise<void>)[]
  /** What lies under which id at the end. */
  readonly contents: Contents
}

/** Of 2 MiB: some that does not compress, some that repeats, a hole, and a part that `seed` alone decides. */
export function diskOf(seed: number): Uint8Array {
  const bytes = new Uint8Array(2 * mib)
  let noise = 7
  for (let at = 0; at < 256 * 1024; at++) {
    noise = (noise * 1103515245 + 12345) & 0x7fffffff
    bytes[at] = noise >> 16
  }
  bytes.fill(0x5a, 512 * 1024, 768 * 1024)
  noise = seed
  for (let at = mib; at < mib + 192 * 1024; at++) {
    noise = (noise * 1103515245 + 12345) & 0x7fffffff
    bytes[at] = noise >> 16
  }
  return bytes
}

const one = diskOf(1)
const two = diskOf(2)

const twoReplicas: Wanted = {
  name: 'westeurope',
  regionalReplicaCount: 2,
  storageAccountType: 'Standard_LRS',
}
const oneReplica: Wanted = { ...twoReplicas, regionalReplicaCount: 1 }
const inWestEurope: Wanted = { name: 'westeurope', storageAccountType: 'Standard_LRS' }
const inZones: Wanted = { name: 'eastus', storageAccountType: 'Standard_ZRS' }
const elsewhere: Wanted = { name: 'westus', storageAccountType: 'Premium_LRS' }

async function published(engine: Engine): Promise<void> {
  await engine.makeDefinition()
  await engine.upload('one', one)
  await engine.publish('1.0.0', 'one', [twoReplicas, inZones])
}

/** Those whose every instant is tried. */
export const mainStories = {
  ingest: {
    name: 'ingest of an upload',
    prepare: (engine) => engine.makeDefinition(),
    steps: [
      (engine) => engine.upload('one', one),
      (engine) => engine.upload('two', two),
      (engine) => engine.sweep(),
    ],
    contents: { [diskId('one')]: [one], [diskId('two')]: [two] },
  },
  publish: {
    name: 'publish into two regions, beside an older version',
    async prepare(engine) {
      await published(engine)
      await engine.upload('two', two)
    },
    steps: [
      (engine) => engine.publish('1.0.1', 'two', [twoReplicas, inZones]),
      (engine) => engine.sweep(),
    ],
    contents: { [versionId('1.0.0')]: [one], [versionId('1.0.1')]: [two] },
  },
  update: {
    name: 'an update that adds a region, removes one and changes a replica count',
    prepare: published,
    steps: [
      (engine) => engine.publish('1.0.0', 'one', [oneReplica, elsewhere]),
      (engine) => engine.sweep(),
    ],
    contents: { [versionId('1.0.0')]: [one], [diskId('one')]: [one] },
  },
  copySnapshot: {
    name: 'a snapshot copied to another region, whose source goes at once',
    async prepare(engine) {
      await engine.makeDefinition()
      await engine.upload('one', one)
      await engine.askSnapshot('near', { disk: 'one' })
    },
    steps: [
      async (engine) => {
        const isThere = await engine.find(snapshotId('far'))
        if (!isThere) await engine.askSnapshot('far', { far: 'near' })
      },
      (engine) => engine.removed(snapshotId('near')),
      (engine) => engine.sweep(),
    ],
    contents: { [diskId('one')]: [one], [snapshotId('far')]: [one] },
  },
  takeIn: {
    name: 'a version of two blobs that are taken in first',
    async prepare(engine) {
      await engine.makeDefinition()
      await engine.makeBlobs({ one, two })
    },
    steps: [
      (engine) => engine.askVersionOfBlobs('1.0.0', ['one', 'two'], [oneReplica, inZones]),
      (engine) => engine.quiet(),
      (engine) => engine.sweep(),
    ],
    contents: { [versionId('1.0.0')]: [one, two] },
  },
  remove: {
    name: 'delete of a version',
    prepare: published,
    steps: [(engine) => engine.removed(versionId('1.0.0')), (engine) => engine.sweep()],
    contents: { [diskId('one')]: [one] },
  },
  removeGroup: {
    name: 'delete of a resource group',
    async prepare(engine) {
      await published(engine)
      await engine.beginUpload('open', two.length)
      await engine.sendPages('open', two)
    },
    steps: [(engine) => engine.removed(group), (engine) => engine.sweep()],
    contents: {},
  },
  softDelete: softDeleteStory,
  move: moveStory,
} satisfies Record<string, Story>

/** Those in which the client does not wait for the work that it asked for. */
const hastyStories = {
  removeWhilePublishing: {
    name: 'delete of a version that is being published',
    async prepare(engine) {
      await engine.makeDefinition()
      await engine.upload('one', one)
    },
    steps: [
      (engine) => ask(engine, 'one', [twoReplicas, inZones]),
      (engine) => engine.removed(versionId('1.0.0')),
      (engine) => engine.removed(definition),
      (engine) => engine.removed(gallery),
      (engine) => engine.sweep(),
    ],
    contents: { [diskId('one')]: [one] },
  },
  removeGroupWhileBusy: {
    name: 'delete of a group in which a disk is ingested and a version published',
    async prepare(engine) {
      await engine.makeDefinition()
      await engine.upload('one', one)
      await engine.beginUpload('two', two.length)
      await engine.sendPages('two', two)
    },
    steps: [
      (engine) => ask(engine, 'one', [twoReplicas, inZones]),
      (engine) => engine.closeUpload('two'),
      (engine) => engine.hesitate(),
      (engine) => engine.removed(group),
      (engine) => engine.sweep(),
    ],
    contents: {},
  },
  removeWhileTakingIn: {
    name: 'a version of two blobs, a snapshot on its way: both deleted while they are made',
    async prepare(engine) {
      await engine.makeDefinition()
      await engine.makeBlobs({ one, two })
      await engine.upload('one', one)
      await engine.askSnapshot('near', { disk: 'one' })
    },
    steps: [
      (engine) => engine.askVersionOfBlobs('1.0.0', ['one', 'two'], [twoReplicas, inZones]),
      (engine) => engine.askSnapshot('far', { far: 'near' }),
      (engine) => engine.hesitate(),
      (engine) => engine.removed(versionId('1.0.0')),
      (engine) => engine.removed(snapshotId('far')),
      (engine) => engine.sweep(),
    ],
    contents: { [diskId('one')]: [one], [snapshotId('near')]: [one] },
  },
  changeOfMind: {
    name: 'a region removed and added again while it is on its way out',
    prepare: published,
    steps: [
      (engine) => ask(engine, 'one', [twoReplicas]),
      (engine) => ask(engine, 'one', [twoReplicas, inZones, elsewhere]),
      (engine) => engine.quiet(),
      (engine) => engine.sweep(),
    ],
    contents: { [versionId('1.0.0')]: [one] },
  },
  moreReplicas: {
    name: 'replicas that are asked for while others are being made',
    prepare: published,
    steps: [
      (engine) => ask(engine, 'one', [oneReplica, inZones, elsewhere]),
      (engine) => ask(engine, 'one', [twoReplicas, { ...elsewhere, regionalReplicaCount: 2 }]),
      (engine) => ask(engine, 'one', [oneReplica, { ...elsewhere, regionalReplicaCount: 2 }]),
      (engine) => engine.quiet(),
      (engine) => engine.sweep(),
    ],
    contents: { [versionId('1.0.0')]: [one] },
  },
  severalDisks: {
    name: 'a version of three disks, two of them alike, whose sources are deleted at once',
    async prepare(engine) {
      await engine.makeDefinition()
      await engine.upload('one', one)
      await engine.upload('two', two)
      await engine.upload('twin', one)
    },
    steps: [
      (engine) => ask(engine, ['one', 'two', 'twin'], [twoReplicas, inZones]),
      (engine) => engine.removed(diskId('one')),
      (engine) => engine.removed(diskId('two')),
      (engine) => engine.sweep(),
    ],
    contents: { [versionId('1.0.0')]: [one, two, one], [diskId('twin')]: [one] },
  },
  recreated: {
    name: 'a version that is deleted twice and made anew as soon as it is gone',
    async prepare(engine) {
      await published(engine)
      await engine.upload('two', two)
    },
    steps: [
      (engine) => removeTwice(engine, versionId('1.0.0')),
      (engine) => engine.gone(versionId('1.0.0')),
      (engine) => engine.publish('1.0.0', 'two', [twoReplicas]),
      (engine) => engine.sweep(),
    ],
    contents: { [versionId('1.0.0')]: [two] },
  },
  recreatedGroup: {
    name: 'a group that is deleted twice and made anew as soon as it is gone',
    prepare: published,
    steps: [
      (engine) => removeTwice(engine, group),
      (engine) => engine.gone(group),
      (engine) => engine.makeDefinition(),
      (engine) => engine.upload('two', two),
      (engine) => engine.quiet(),
      (engine) => engine.sweep(),
    ],
    contents: { [diskId('two')]: [two] },
  },
  ofImage: {
    name: 'versions of one managed image, one after the other',
    async prepare(engine) {
      await engine.makeDefinition()
      await engine.upload('one', one)
      await engine.makeImage('golden', 'one')
    },
    steps: [
      (engine) => engine.publishImage('1.0.0', 'golden', [inWestEurope]),
      (engine) => engine.publishImage('1.0.1', 'golden', [inWestEurope]),
      (engine) => engine.removed(imageId('golden')),
      (engine) => engine.sweep(),
    ],
    contents: { [versionId('1.0.0')]: [one], [versionId('1.0.1')]: [one] },
  },
} satisfies Record<string, Story>

export const stories: Readonly<Record<string, Story>> = { ...mainStories, ...hastyStories }

async function removeTwice(engine: Engine, path: string): Promise<void> {
  await engine.remove(path)
  await engine.hesitate()
  await engine.remove(path)
}

async function ask(engine: Engine, ...[disks, regions]: [string | string[], Wanted[]]) {
  await engine.askVersion('1.0.0', disks, regions)
  await engine.hesitate()
}
