import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isList, isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { openCliLine } from '../support/cli-line.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3
const west = { location: 'westeurope' }
const definitionPath = `galleries/${gallery}/images/${definition}`
const versionPath = `${definitionPath}/versions/1.0.0`

const ours = {
  currency: 'EUR',
  about: 'ours',
  links: ['https://example.com/prices'],
  storage: { 'West Europe': { Standard_LRS: 1e6 }, northeurope: { Standard_LRS: 2e6 } },
  egress: { westeurope: { price: 3, to: { eastus: 5 } } },
}
const twice = { 'West Europe': 2, 'North Europe': 2, 'East US': 2 }

/** Of these disks, with so many replicas in each region. */
function versionOf(
  replicas: Readonly<Record<string, number>>,
  { os, data }: { readonly os: string; readonly data?: string },
) {
  return {
    ...west,
    properties: {
      publishingProfile: {
        targetRegions: Object.entries(replicas).map(([name, regionalReplicaCount]) => ({
          ...{ name, regionalReplicaCount, storageAccountType: 'Standard_LRS' },
        })),
      },
      storageProfile: {
        osDiskImage: { source: { id: os } },
        ...(data !== undefined && { dataDiskImages: [{ lun: 0, source: { id: data } }] }),
      },
    },
  }
}

describe('costs', () => {
  let folder: string
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vitrine-prices-'))
    const prices = join(folder, 'prices.json')
    await writeFile(prices, JSON.stringify(ours))
    vitrine = await openTestInstallation({ config: { prices } })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    await publishExample()
  }, 240_000)
  afterAll(async () => {
    await vitrine.close()
    await rm(folder, { recursive: true })
  })

  /** An upload of that size in which bytes of the disk `seed` stand in `runs` places, so that a GB is told and 16 MiB are sent. */
  async function uploadSparse(name: string, gigabytes: number, runs: number): Promise<string> {
    await arm.make(`disks/${name}`, {
      ...west,
      properties: {
        osType: 'Linux',
        hyperVGeneration: 'V1',
        creationData: { createOption: 'Upload', uploadSizeBytes: gigabytes * gib },
      },
    })
    const url = `${await arm.grant(name, 'Write')}&comp=chunks`
    const body = Array.from({ length: runs }, (_, at) => ({
      ...{ offset: at * gib, length: 16 * mib, from: 0 },
    }))
    if (runs > 0) {
      const headers = { 'x-ms-copy-source': await arm.grant('seed', 'Read') }
      const told = await fetch(url, {
        method: 'PUT',
        headers,
        body: JSON.stringify({ runs: body }),
      })
      expect(told.status).toBe(201)
    }
    expect(await arm.revoke(name)).toMatchObject({ status: 'Succeeded' })
    return arm.idOf(`disks/${name}`)
  }

  /** Requirement 99 with a tenth of its data: a 127 GB OS disk of which 1 GB is used, an empty data disk, 3 regions with 2 replicas. */
  async function publishExample(): Promise<void> {
    await arm.upload('seed', dataBytes(1, 16 * mib))
    const os = await uploadSparse('os', 127, 64)
    const data = await uploadSparse('data', 32, 0)
    await arm.make(versionPath, versionOf(twice, { os, data }))
  }

  async function costsOf(path: string, query = ''): Promise<JsonObject> {
    const answer = await arm.get(
      `${path}/providers/Vitrine.Gallery/costs?api-version=2026-11-01${query}`,
    )
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    const { properties } = answer.body
    return isObject(properties) ? properties : {}
  }

  async function lineOf(region: string): Promise<JsonObject> {
    const { lines } = await costsOf(versionPath, '&by=region')
    const found = isList(lines) ? lines.filter(isObject).find(({ name }) => name === region) : {}
    return found ?? {}
  }

  it('R99 R100 a used GB of 127 in 3 regions with 2 replicas is 6 GB billed, and 2 × 1 GB of egress, at the prices of each region', async () => {
    const costs = await costsOf(versionPath)
    expect(costs).toMatchObject({
      currency: 'EUR',
      prices: { about: 'ours', links: ['https://example.com/prices'] },
      storage: { replicas: 6, billedBytes: 6 * gib },
      egress: { gb: 2, cost: 3 + 5 },
      service: { cost: 0 },
      notes: [expect.stringContaining('no price for storage of Standard_LRS in eastus')],
    })
    const [west, north] = [await lineOf('westeurope'), await lineOf('northeurope')]
    for (const line of [west, north]) expect(line.storage).toMatchObject({ billedBytes: 2 * gib })
    const perMonth = [west, north].map((line) => {
      return Number(valueAt(line, 'storage.cost')) / Number(valueAt(line, 'storage.gbMonths'))
    })
    // What exists for a moment is told to nine decimals.
    expect((perMonth[0] ?? 0) / 1e6).toBeCloseTo(1, 1)
    expect((perMonth[1] ?? 0) / 2e6).toBeCloseTo(1, 1)
  })

  it('beside the bill tells what is stored and what moved: the same bytes once', async () => {
    const costs = await costsOf(versionPath)
    const storedBytes = Number(valueAt(costs, 'really.storedBytes'))
    expect(storedBytes).toBeGreaterThan(0)
    expect(storedBytes).toBeLessThan(gib / 10)
    const movedBytes = Number(valueAt(costs, 'really.movedBytes'))
    expect(movedBytes).toBeGreaterThan(0)
    expect(movedBytes).toBeLessThan(storedBytes)
  })

  it('are those of a version, definition, gallery, group or subscription', async () => {
    const { subscription } = vitrine
    const scopes = [definitionPath, `galleries/${gallery}`, arm.groupPath]
    for (const scope of [...scopes, `/subscriptions/${subscription}`]) {
      const costs = await costsOf(scope)
      expect(costs.storage).toMatchObject({ replicas: 6, billedBytes: 6 * gib })
      expect(costs.lines).toMatchObject([{ name: arm.idOf(versionPath), egress: { gb: 2 } }])
    }
    const before = await costsOf(versionPath, '&month=2020-01')
    expect(before).toMatchObject({ cost: 0, storage: { replicas: 0, gbMonths: 0 }, lines: [] })
  })

  it('are shown by the command line, with what is used of each limit', async () => {
    const run = await openCliLine(vitrine, join(folder, 'home'))
    const names = ['-g', group, '-r', gallery, '-i', definition]
    const shown = await run('cost', ...names, '--by', 'version')
    expect(shown.out).toMatch(/^Of +Replicas +Billed +GB-months +Storage +Egress GB +Egress +EUR\n/)
    expect(shown.out).toMatch(/\nversions\/1.0.0 +6 +6.00 GiB .* 2.000 +8.00 /)
    expect(shown.out).toMatch(/\nTotal +6 +6.00 GiB /)
    expect(shown.err).toMatch(
      /Really stored now: .*ours.*no price for storage of Standard_LRS in eastus/s,
    )
    const json = await run('cost', '--month', '2020-01', '-o', 'json')
    expect(JSON.parse(json.out)).toMatchObject({ name: '2020-01', cost: 0, lines: [] })
    const loose = await run('cost', '-r', gallery)
    expect([loose.code, loose.err]).toEqual([2, expect.stringContaining('--resource-group')])
    const none: readonly (readonly [readonly string[], string, string])[] = [
      [
        ['cost', '-g', group, '-r', 'nope', '-i', definition],
        "There is no gallery 'nope'",
        gallery,
      ],
      [['cost', ...names, '-e', '2.0.0'], "There is no version '2.0.0'", '1.0.0'],
    ]
    for (const [line, says, there] of none) {
      const { code, out, err } = await run(...line)
      expect([code, out]).toEqual([3, ''])
      expect(err).toContain(says)
      expect(err).toContain(`There are: ${there}.`)
    }
    const usage = await run('usage', 'list', '-l', 'West Europe')
    expect(usage.out).toMatch(/^Name +Used +Limit\n/)
    expect(usage.out).toMatch(/\nGallery Image Version +1 +10000\n/)
  })

  it('R98 more replicas in a region are no egress; fewer regions are less storage, from then on', async () => {
    const os = arm.idOf('disks/os')
    const data = arm.idOf('disks/data')
    await arm.make(versionPath, versionOf({ 'West Europe': 1, 'North Europe': 3 }, { os, data }))
    const costs = await costsOf(versionPath)
    expect(costs.storage).toMatchObject({ replicas: 4, billedBytes: 4 * gib })
    expect(costs.egress).toMatchObject({ gb: 2 })
    expect((await lineOf('eastus')).storage).toMatchObject({ replicas: 0, billedBytes: 0 })
  })

  it('R98 a region that comes back is copied to, and paid for, again', async () => {
    const os = arm.idOf('disks/os')
    const data = arm.idOf('disks/data')
    await arm.make(versionPath, versionOf({ 'West Europe': 1, 'East US': 1 }, { os, data }))
    expect(await costsOf(versionPath)).toMatchObject({
      storage: { replicas: 2 },
      egress: { gb: 3 },
    })
  })

  it('of what is deleted stay in its month', async () => {
    await arm.remove(versionPath)
    const costs = await costsOf(`galleries/${gallery}`)
    expect(costs).toMatchObject({
      storage: { replicas: 0, billedBytes: 0 },
      egress: { gb: 3 },
      really: { storedBytes: 0 },
      lines: [{ name: arm.idOf(versionPath) }],
    })
    expect(Number(valueAt(costs, 'storage.gbMonths'))).toBeGreaterThan(0)
  })

  it('refuse a month, a grouping and a scope that are none, naming them', async () => {
    const ask = async (path: string, query: string) => {
      const costs = `${path}/providers/Vitrine.Gallery/costs?api-version=2026-11-01${query}`
      const answer = await arm.get(costs)
      return [answer.status, errorOf(answer).code, errorOf(answer).target]
    }
    expect(await ask(versionPath, '&month=2026-13')).toEqual([400, 'InvalidParameter', 'month'])
    expect(await ask(versionPath, '&by=colour')).toEqual([400, 'InvalidParameter', 'by'])
    expect((await ask('/subscriptions', ''))[0]).toBe(404)
    expect(await ask(`${arm.groupPath}2`, '')).toEqual([404, 'ResourceGroupNotFound', undefined])
    for (const path of ['galleries/nope', 'galleries/nope/images/a', `${versionPath}1`, 'disks/os'])
      expect(await ask(path, '')).toEqual([404, 'ResourceNotFound', undefined])
    const elsewhere = '/subscriptions/00000000-0000-4000-8000-00000000beef'
    expect((await ask(elsewhere, ''))[0]).toBe(404)
  })
})
