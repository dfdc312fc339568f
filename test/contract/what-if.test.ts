import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { isList, isObject, valueAt } from '../../src/resources/paths.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const local = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}
const mib = 1024 ** 2
const gib = 1024 ** 3
const definitionPath = `galleries/${gallery}/images/${definition}`
const path = (patch: number) => `${definitionPath}/versions/1.0.${patch}`

describe('a what-if of a version', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let os: string
  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: { limits: { versionsPerRegion: 2 } } })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    os = await arm.upload('os', dataBytes(1, 4 * mib))
  })
  afterAll(() => vitrine.close())

  function versionIn(replicas: Readonly<Record<string, number>>, id = os) {
    const targetRegions = Object.entries(replicas).map(([name, regionalReplicaCount]) => ({
      ...{ name, regionalReplicaCount, storageAccountType: 'Standard_LRS' },
    }))
    return {
      location: 'westeurope',
      properties: {
        publishingProfile: { targetRegions },
        storageProfile: { osDiskImage: { source: { id } } },
      },
    }
  }

  async function whatIf(patch: number, body: unknown, query = '') {
    const asked = `${path(patch)}/providers/Vitrine.Gallery/whatIf${query}`
    const answer = await arm.ask('POST', asked, { body })
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    const { properties } = answer.body
    return isObject(properties) ? properties : {}
  }

  /** What is there, and may not change by asking. */
  async function rowsThere() {
    const { store } = vitrine.installation
    const versions = await store.read.resources.below(
      arm.idOf(definitionPath).toLowerCase(),
      undefined,
      9,
    )
    const counted = await store.read.counters.of(`${vitrine.subscription}|westeurope`.toLowerCase())
    return { versions: versions.map(({ key, revision }) => [key, revision]), counted }
  }

  async function crossedBytes(): Promise<number> {
    const { body } = await arm.get(`${definitionPath}/providers/Vitrine.Gallery/costs`)
    return Number(valueAt(body, 'properties.really.movedBytes'))
  }

  const sizeGb = (4 * mib) / gib
  const three = { 'West Europe': 2, 'North Europe': 1, 'East US': 2 }

  it('B9 of a create tells bytes, GB-months, egress, money and the quota left, and writes nothing', async () => {
    const before = await rowsThere()
    const told = await whatIf(0, versionIn(three))
    expect(told).toMatchObject({
      change: 'Create',
      problems: [],
      currency: 'USD',
      total: {
        gbMonths: 5 * sizeGb,
        monthlyCost: expect.closeTo(5 * sizeGb * 0.05, 6),
        egress: { gb: 2 * sizeGb, cost: expect.closeTo(sizeGb * (0.02 + 0.05), 6) },
        estimatedSeconds: null,
      },
      quotas: [
        {
          name: 'GalleryImageVersion',
          location: 'westeurope',
          limit: 2,
          used: 0,
          after: 1,
          left: 1,
        },
        { name: 'Replicas', location: 'westeurope', limit: 10, used: 0, after: 2, left: 8 },
        { location: 'northeurope' },
        { location: 'eastus' },
      ],
      regions: [
        { region: 'westeurope', replicas: { before: 0, after: 2 }, bytesToCross: 0, isExact: true },
        { region: 'northeurope', displayName: 'North Europe', isExact: true },
        { region: 'eastus', storageAccountType: 'Standard_LRS' },
      ],
    })
    expect(await rowsThere()).toEqual(before)
  })

  it('B9 what it says will cross is what crosses then, and by its pace it knows how long the next one takes', async () => {
    const told = await whatIf(0, versionIn(three))
    await arm.make(path(0), versionIn(three))
    expect(await crossedBytes()).toBe(valueAt(told, 'total.bytesToCross'))
    expect(await crossedBytes()).toBeGreaterThan(0)
    const another = await arm.upload('another', dataBytes(2, 4 * mib))
    const second = await whatIf(1, versionIn({ 'West Europe': 1, 'East US': 1 }, another))
    expect(Number(valueAt(second, 'total.estimatedSeconds'))).toBeGreaterThan(0)
  })

  it('B9 of an update tells the difference: a region more, a region less, a replica less', async () => {
    const body = versionIn({ 'West Europe': 1, 'North Europe': 1, 'West US': 1 })
    const told = await whatIf(0, body)
    expect(told).toMatchObject({ change: 'Update', quotas: [{}, {}, {}] })
    const { regions } = told
    expect(isList(regions) ? regions : []).toMatchObject([
      { region: 'westeurope', gbMonths: -sizeGb, bytesToMove: 0 },
      { region: 'northeurope', gbMonths: 0, monthlyCost: 0, bytesToMove: 0, egress: { gb: 0 } },
      { region: 'westus', gbMonths: sizeGb, egress: { gb: sizeGb } },
      { region: 'eastus', replicas: { before: 2, after: 0 }, gbMonths: -2 * sizeGb },
    ])
  })

  it('B9 is shown by the command line, which changes nothing then', async () => {
    const home = await mkdtemp(join(tmpdir(), 'vitrine-what-if-'))
    onTestFinished(() => rm(home, { recursive: true }))
    await writeProfile(home, await readOwner(join(vitrine.data, 'owner.json')))
    const run = async (verb: string, patch: number, ...line: string[]) => {
      const [out, err] = [openTestTerminal(), openTestTerminal()]
      const { signal } = new AbortController()
      const parts = { version: '1', homeFolder: home, out, err, signal, local }
      const names = ['-g', group, '-r', gallery, '-i', definition, '-e', `1.0.${patch}`]
      const whole = ['image-version', verb, ...names, ...line, '--what-if']
      const code = await runCli(whole, { world: openWorld('error'), ...parts })
      return { code, out: out.text(), err: err.text() }
    }
    const before = await rowsThere()
    const created = await run('create', 1, '--os-snapshot', os, '--target-regions', 'westeurope=2')
    expect(created).toMatchObject({ code: 0, err: expect.stringContaining('Create: nothing was') })
    expect(created.out).toMatch(/^Region +Replicas +Written +Over the link +Time .*USD a month/)
    expect(created.out).toMatch(/\nWest Europe +0 → 2 .*\nTotal /)
    expect(created.err).toMatch(/GalleryImageVersion in westeurope: 0 of 2 left after it/)
    const updated = await run('update', 0, '--target-regions', 'westeurope', 'westus')
    expect(updated.out).toMatch(/\nWest US +0 → 1 .*\nNorth Europe +1 → 0 /s)
    const removed = await run('delete', 0)
    expect(removed.out).toMatch(/Freed\n/)
    expect(removed.out).not.toMatch(/-0\.0+\s/)
    const nothing = await run('delete', 7)
    expect([nothing.out, nothing.err]).toEqual(['', expect.stringMatching(/nothing was changed/)])
    const wrong = await run('update', 0, '--target-regions', 'westus')
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('It would be refused')])
    const again = await run('create', 0, '--os-snapshot', os)
    expect([again.code, again.err]).toEqual([
      1,
      expect.stringMatching(/^Error \(Conflict\): '1.0.0' exists already/),
    ])
    const file = await run('create', 1, '--from', 'disk.vhd')
    expect([file.code, file.err]).toEqual([2, expect.stringContaining('--what-if')])
    expect(await rowsThere()).toEqual(before)
  })

  it('B9 what a write would be refused for is told: its quota, regions and source', async () => {
    await arm.make(path(1), versionIn({ 'West Europe': 1 }))
    const problemsOf = async (patch: number, body: unknown) => (await whatIf(patch, body)).problems
    expect(await problemsOf(2, versionIn({ 'West Europe': 1 }))).toMatchObject([
      { code: 'QuotaExceeded', message: expect.stringContaining('limit: 2') },
    ])
    const wrong = versionIn({ 'North Europe': 1, 'East US': 11 })
    expect(await problemsOf(0, wrong)).toMatchObject([
      { code: 'InvalidParameter', message: expect.stringContaining('must contain the location') },
      { code: 'InvalidParameter', target: expect.stringContaining('regionalReplicaCount') },
    ])
    expect(await problemsOf(3, versionIn({ 'West Europe': 1 }, `${os}none`))).toMatchObject([
      { code: 'NotFound' },
    ])
    const answer = await arm.ask('POST', `${path(0)}/providers/Vitrine.Gallery/whatIf?change=x`, {
      body: {},
    })
    expect(answer.status).toBe(400)
  })

  it('B9 of a deletion tells what it frees and what is not paid for any more', async () => {
    const told = await whatIf(0, undefined, '?change=delete')
    expect(told).toMatchObject({
      change: 'Delete',
      problems: [],
      total: { gbMonths: -5 * sizeGb, bytesToMove: 0, egress: { gb: 0 } },
    })
    const freed = Array.isArray(told.freed) ? told.freed : []
    const east = freed.find(({ region }) => region === 'eastus')
    expect(east?.freedBytes).toBeGreaterThan(0)
    expect((await arm.get(path(0))).status).toBe(200)
    expect(await whatIf(7, undefined, '?change=delete')).toMatchObject({ change: 'None' })
    const lock = `${arm.idOf(path(0))}/providers/Microsoft.Authorization/locks/keep`
    const kept = await arm.put(lock, { properties: { level: 'CanNotDelete' } }, '2020-05-01')
    expect(kept.status).toBe(201)
    expect(await whatIf(0, undefined, '?change=delete')).toMatchObject({
      change: 'None',
      problems: [{ code: 'ScopeLocked' }],
    })
  })
})
