import { acceptDeployment } from '../../src/deployments/accept.ts'
import { ArmError } from '../../src/domain/errors.ts'
import { parseResourceId } from '../../src/domain/resource-id.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { diskId, group, ownerAsked, versionId } from './as-owner.ts'
import type { Engine } from './engine.ts'
import { bare, galleryResource as galleryIn, nestedResource } from './templates.ts'

const location = 'westeurope'
const bytes = new Uint8Array(128 * 1024).map((_, at) => (at * at) >> 5)

const version = {
  ...galleryIn('g/linux/1.0.0'),
  type: 'Microsoft.Compute/galleries/images/versions',
  dependsOn: ['g'],
  properties: {
    publishingProfile: { targetRegions: [{ name: location, regionalReplicaCount: 1 }] },
    storageProfile: { osDiskImage: { source: { id: diskId('one') } } },
  },
}

/** One after another. */
const looped = {
  ...galleryIn("[concat('loop', copyIndex())]"),
  copy: { name: 'looped', count: 2, mode: 'serial', batchSize: 1 },
}

const nested = {
  ...nestedResource('inner', [looped, { ...galleryIn('inner'), dependsOn: ['looped'] }]),
  dependsOn: ["[resourceId('Microsoft.Compute/galleries/images/versions', 'g', 'linux', '1.0.0')]"],
}

/** A gallery with a version, then a nested template with a loop and what waits for it; then a complete one that keeps less. */
export const deploymentStory = {
  name: 'two deployments, one nested and one complete',
  async prepare(engine: Engine): Promise<void> {
    await engine.makeDefinition()
    await engine.upload('one', bytes.slice())
  },
  steps: [
    (engine: Engine) =>
      succeeded(engine, 'first', {
        mode: 'Incremental',
        resources: [nested, version, galleryIn('g')],
      }),
    (engine: Engine) =>
      succeeded(engine, 'second', {
        mode: 'Complete',
        resources: [galleryIn('g'), nestedResource('keeps', [galleryIn('loop0')])],
      }),
    (engine: Engine) => engine.sweep(),
  ],
  contents: { [versionId('1.0.0')]: [bytes] },
}

async function succeeded(...asked: Parameters<typeof deployed>): Promise<void> {
  const ended = await deployed(...asked)
  if (ended.state !== 'Succeeded') throw new Error(JSON.stringify(ended))
}

/** Accepts it, unless it is under way, and waits for its end: it must succeed. */
export async function deployed(
  engine: Engine,
  name: string,
  { mode, resources }: { readonly mode: string; readonly resources: readonly JsonObject[] },
): Promise<JsonObject> {
  const target = parseResourceId(`${group}/providers/Microsoft.Resources/deployments/${name}`)
  if (!target) throw new Error('a deployment has an id')
  const body = { properties: { mode, template: { ...bare, resources } } }
  try {
    await acceptDeployment(engine.deploying, ownerAsked, { target, read: async () => ({ body }) })
  } catch (error) {
    if (!(error instanceof ArmError && error.code === 'DeploymentActive')) throw error
  }
  await engine.quiet()
  const row = await engine.rows.read.deployments.get(target.key)
  if (!row) throw new Error(`${name} is there`)
  return { state: row.state, sealed: row.sealed ?? null, ...row.doc }
}
