import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, dataBytes, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const path = `galleries/${gallery}/images/${definition}/versions/1.0.0`
const bytes = dataBytes(1)

/** PostgreSQL's own clock counts there, which nobody moves: what waits is due at once instead. */
async function wakeAll(url: string): Promise<void> {
  const client = new Client(url)
  await client.connect()
  try {
    // Duties are nobody's: woken all the time, they would leave no time for what waits.
    await client.query(
      'update work set wake_ms = 0 where lease_until_ms = 0 and wake_ms > 0 and key is not null',
    )
    await client.query('notify vitrine_work')
  } finally {
    await client.end()
  }
}

/** One region's space cannot be used: a file stands where its folder should be. */
describe('a region that fails', () => {
  const world = { ...openMovingWorld(), log: () => undefined }
  let folder: string
  let vitrine: TestInstallation
  let arm: Arm
  let body: JsonObject
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vitrine-blocked-'))
    await writeFile(join(folder, 'blocked'), 'not a folder')
    const spaces = { 'westus/Premium_LRS/1': join(folder, 'blocked') }
    vitrine = await openTestInstallation({ world, config: { spaces } })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    const id = await arm.upload('os', bytes)
    body = {
      ...west,
      properties: {
        publishingProfile: {
          targetRegions: [
            { name: 'westeurope' },
            { name: 'westus', storageAccountType: 'Premium_LRS' },
            { name: 'eastus' },
          ],
        },
        storageProfile: { osDiskImage: { source: { id } } },
      },
    }
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(folder, { recursive: true })
  })

  /** Lets the time pass that work waits before it tries again, without waiting for it. */
  async function patiently(answer: Answer): Promise<JsonObject> {
    const ended = arm.ended(answer)
    let over = false
    const stop = () => {
      over = true
    }
    void ended.then(stop, stop)
    while (!over) {
      await (vitrine.config.database ? wakeAll(vitrine.config.database.url) : moveOn())
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return ended
  }

  async function moveOn(): Promise<void> {
    const { read, write } = vitrine.installation.store
    const keys = [path, arm.groupPath].map((each) => arm.idOf(each).toLowerCase())
    const waiting = (await Promise.all(keys.map((key) => read.work.unfinishedOf(key)))).flat()
    const wakesMs = waiting.map((row) => row.wakeMs - world.now().getTime())
    if (wakesMs.length === 0 || wakesMs.some((ms) => ms <= 0)) return
    world.move(Math.max(...wakesMs))
    // Whoever rests does not see that: asked for anything, all look again.
    const duty = { kind: 'Prune', subject: 'installation', queue: 'control', generation: 1 }
    await write(({ work }) => work.request([{ ...duty, key: undefined }], world.now().getTime()))
  }

  it('R65 R66 says so with a reason, while the others finish and are usable', async () => {
    const made = await arm.put(path, body)
    const ended = await patiently(made)
    expect(ended).toMatchObject({
      status: 'Failed',
      error: {
        code: 'ReplicationFailed',
        message: expect.stringMatching(
          /^Gallery replication jobs failed in one or more regions\. .*region:westus.* If retry does not work, then please do an update/,
        ),
      },
    })
    const { properties } = (await arm.get(`${path}?$expand=ReplicationStatus`)).body
    expect(properties).toMatchObject({
      provisioningState: 'Failed',
      replicationStatus: {
        aggregatedState: 'Failed',
        summary: [
          { region: 'West Europe', state: 'Completed', progress: 100 },
          { region: 'West US', state: 'Failed', details: expect.stringMatching(/.+/) },
          { region: 'East US', state: 'Completed', progress: 100 },
        ],
      },
    })
    for (const location of ['westeurope', 'eastus']) {
      expect(Buffer.compare(await arm.bytesOf(path, location), Buffer.from(bytes))).toBe(0)
    }
    expect(
      (await arm.get(`${path}/providers/Vitrine.Gallery/replication`)).body.value,
    ).toMatchObject([
      { region: 'eastus', usable: true },
      { region: 'westeurope', usable: true },
      { region: 'westus', usable: false, state: 'Failed', reason: expect.any(String) },
    ])
  })

  it('B2 is retried alone by the same request again, under the same ETag', async () => {
    await rm(join(folder, 'blocked'))
    const before = await arm.get(path)
    const again = await arm.put(path, body)
    expect(again.headers.get('etag')).toBe(before.headers.get('etag'))
    expect(await patiently(again)).toMatchObject({ status: 'Succeeded' })
    const { body: shown } = await arm.get(`${path}?$expand=ReplicationStatus`)
    expect(valueAt(shown, 'properties.replicationStatus.aggregatedState')).toBe('Completed')
    expect(Buffer.compare(await arm.bytesOf(path, 'westus'), Buffer.from(bytes))).toBe(0)
  })

  it('B17 a deletion that cannot reach a space fails with the reason, and goes on when asked again', async () => {
    const place = join(folder, 'blocked')
    await rename(place, join(folder, 'away'))
    await writeFile(place, 'not a folder')
    const deleting = await patiently(await arm.ask('DELETE', path))
    expect(deleting).toMatchObject({ status: 'Failed', error: { code: 'ServiceUnavailable' } })
    expect((await arm.get(path)).body.properties).toMatchObject({ provisioningState: 'Failed' })
    const group = await patiently(await arm.ask('DELETE', arm.groupPath))
    expect(group).toMatchObject({
      error: {
        code: 'Conflict',
        message: expect.stringMatching(/1\.0\.0' could not be deleted\. .+ Mend the cause/),
      },
    })
    expect((await arm.get(arm.groupPath)).body.properties).toMatchObject({
      provisioningState: 'Failed',
    })
    await rm(place)
    await rename(join(folder, 'away'), place)
    expect(await patiently(await arm.ask('DELETE', path))).toMatchObject({ status: 'Succeeded' })
    expect((await arm.get(path)).status).toBe(404)
    const gone = await patiently(await arm.ask('DELETE', arm.groupPath))
    expect(gone).toEqual({ status: 'Succeeded' })
  })
})
