import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition, uploadDisk } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const definitionPath = `galleries/${gallery}/images/${definition}`

describe('requirements that no other page names', () => {
  let vitrine: TestInstallation
  let arm: Arm

  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    const bytes = new Uint8Array(4 * mib).fill(9, 0, 2 * mib)
    const disk = await uploadDisk(vitrine, 'source', bytes)
    await arm.make(`${definitionPath}/versions/1.0.0`, {
      location: 'westeurope',
      properties: {
        publishingProfile: {
          targetRegions: [
            { name: 'westeurope' },
            { name: 'eastus', regionalReplicaCount: 1 },
            { name: 'northeurope', regionalReplicaCount: 3 },
          ],
        },
        storageProfile: { osDiskImage: { source: { id: disk } } },
      },
    })
  })
  afterAll(() => vitrine.close())

  it('R11 a definition is found by its triple, which every row of a list carries', async () => {
    const { body } = await arm.get(`galleries/${gallery}/images`)
    const triple = { publisher: 'Contoso', offer: 'Finance', sku: 'Backend' }
    const row = { name: definition, properties: { identifier: triple } }
    expect(body.value).toEqual([expect.objectContaining({ ...row, properties: expect.anything() })])
    expect(body).toMatchObject({ value: [row] })
  })

  it('R33 gallery, definition and version are access-controlled each for itself', async () => {
    const { id: readable } = (await arm.get(definitionPath)).body
    const scope = String(readable)
    const reader = await openOtherCaller(vitrine, [{ roleId: builtInRoles.reader.id, scope }])
    const statuses = await Promise.all(
      [`galleries/${gallery}`, definitionPath, `${definitionPath}/versions/1.0.0`].map(
        async (path) => (await reader.get(path)).status,
      ),
    )
    expect(statuses).toEqual([403, 200, 200])
    const { status } = await reader.ask('DELETE', `${definitionPath}/versions/1.0.0`)
    expect(status).toBe(403)
  })

  it('R34 a definition keeps the Marketplace plan of what it was made from', async () => {
    const purchasePlan = { publisher: 'contoso', name: 'hardened', product: 'linux' }
    const path = `galleries/${gallery}/images/fromMarketplace`
    await arm.make(path, {
      location: 'westeurope',
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        identifier: { publisher: 'Contoso', offer: 'Plans', sku: 'One' },
        purchasePlan,
      },
    })
    expect((await arm.get(path)).body).toMatchObject({ properties: { purchasePlan } })
  })

  it('R64 what a region waits for are the bytes of its replicas, and it says how many', async () => {
    const path = `${definitionPath}/versions/1.0.0/providers/Vitrine.Gallery/replication`
    const { body } = await arm.get(path)
    const totals = new Map<unknown, number>()
    for (const row of Array.isArray(body.value) ? body.value : []) {
      if (row instanceof Object && 'region' in row) totals.set(row.region, Number(row.bytesTotal))
    }
    const one = totals.get('eastus') ?? 0
    expect(one).toBeGreaterThan(0)
    expect(totals.get('northeurope')).toBe(3 * one)
  })

  it('R73 disks that are made together are spread over the replicas of their region', async () => {
    const version = `${definitionPath}/versions/1.0.0`
    const { id } = (await arm.get(version)).body
    const names = Array.from({ length: 24 }, (_, index) => `spread${index}`)
    const creationData = { createOption: 'FromImage', galleryImageReference: { id } }
    await Promise.all(
      names.map((name) =>
        arm.make(`disks/${name}`, { location: 'northeurope', properties: { creationData } }),
      ),
    )
    const keepers = names.map((name) => arm.idOf(`disks/${name}`).toLowerCase())
    const kept = await vitrine.installation.store.read.placements.ofKeepers(keepers)
    expect(kept).toHaveLength(24)
    expect(new Set(kept.map(({ space }) => space)).size).toBe(3)
  })
})
