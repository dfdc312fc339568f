import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Json } from '../../src/domain/rows.ts'
import { isObject } from '../../src/resources/paths.ts'
import { type Answer, type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { inTurns } from '../support/in-turns.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const many = 105

function names({ body }: Answer): string[] {
  const value: Json | undefined = body.value
  return Array.isArray(value)
    ? value.map((each: Json) => (isObject(each) ? String(each.name) : ''))
    : []
}

describe('lists and their pages', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let other: Arm
  let subscription: string

  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: { limits: { galleriesPerRegion: 500 } } })
    arm = openArm(vitrine)
    other = openArm(vitrine, 'otherRG')
    subscription = `/subscriptions/${vitrine.subscription}`
    await arm.put(arm.groupPath, west)
    await other.put(other.groupPath, west)
    await inTurns([...Array(many).keys()], 8, async (at) => {
      const path = `galleries/g${String(at).padStart(3, '0')}`
      expect((await arm.put(path, { ...west, tags: { at: `${at}` } })).status).toBe(201)
    })
    await other.put('galleries/zLast', west)
    await arm.make('galleries/g000/images/d', {
      ...west,
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        identifier: { publisher: 'p', offer: 'o', sku: 's' },
      },
    })
  })
  afterAll(() => vitrine.close())

  /** Every page of a list, by its nextLink alone. */
  async function pages(path: string): Promise<string[][]> {
    const found: string[][] = []
    let next: string | undefined = path
    while (next !== undefined) {
      const answer: Answer = await arm.get(next)
      expect(answer.status).toBe(200)
      found.push(names(answer))
      const { nextLink } = answer.body
      const link: URL | undefined = typeof nextLink === 'string' ? new URL(nextLink) : undefined
      if (link) expect(link.origin).toBe(vitrine.url)
      next = link && `${link.pathname}${link.search}`
    }
    return found
  }

  it('over 100 rows come in full pages, and every row once, in both scopes', async () => {
    const inGroup = await pages('galleries')
    expect(inGroup.map((page) => page.length)).toEqual([100, 5])
    expect(new Set(inGroup.flat()).size).toBe(many)
    const inSubscription = await pages(`${subscription}/providers/Microsoft.Compute/galleries`)
    expect(inSubscription.map((page) => page.length)).toEqual([100, 6])
    expect(inSubscription.flat()).toContain('zLast')
  })

  it('nextLink is absolute, keeps the api-version and goes on with $skiptoken', async () => {
    const { body } = await arm.get('galleries', '2021-07-01')
    const link = new URL(String(body.nextLink))
    expect(link.searchParams.get('api-version')).toBe('2021-07-01')
    expect(link.searchParams.get('$skiptoken')).toBeTruthy()
    expect((await arm.get('galleries/g000/images')).body).not.toHaveProperty('nextLink')
  })

  it('Azure’s client walks all pages', async () => {
    let count = 0
    for await (const each of vitrine.compute.galleries.list()) count += each.name ? 1 : 0
    expect(count).toBe(many + 1)
  })

  it('a cursor that no list gave is not an error of ours', async () => {
    for (const token of ['garbage', '%00', 'ÄÖ']) {
      const answer = await arm.get(`galleries?$skiptoken=${encodeURIComponent(token)}`)
      expect(answer.status).toBeLessThan(500)
    }
    const answer = await arm.get(`${subscription}/resources?$skiptoken=garbage`)
    expect([answer.status, errorOf(answer).target]).toEqual([400, '$skiptoken'])
  })

  it('rows that come and go between two pages lose no other row', async () => {
    const first = await arm.get('galleries')
    await arm.remove('galleries/g050')
    await arm.put('galleries/aaa', west)
    const { pathname, search } = new URL(String(first.body.nextLink))
    const second = await arm.get(`${pathname}${search}`)
    expect([...names(first), ...names(second)]).toHaveLength(many)
    await arm.remove('galleries/aaa')
    await arm.put('galleries/g050', west)
  })

  it('R25 versions are listed in the order of their numbers, with all that az reads of each', async () => {
    const disk = await arm.upload('os', dataBytes(1))
    const definition = 'galleries/g000/images/d'
    const wanted = ['1.0.0', '1.2.0', '1.10.0', '2.0.0', '10.0.0']
    const body = {
      ...west,
      properties: { storageProfile: { osDiskImage: { source: { id: disk } } } },
    }
    for (const name of wanted.toReversed()) await arm.make(`${definition}/versions/${name}`, body)
    const list = await arm.get(`${definition}/versions?$expand=ReplicationStatus`)
    expect(names(list)).toEqual(wanted)
    const { value } = list.body
    for (const each of Array.isArray(value) ? value : []) {
      expect(each.properties).toMatchObject({
        publishingProfile: { publishedDate: expect.any(String), excludeFromLatest: false },
        storageProfile: { osDiskImage: { source: { id: disk } } },
        provisioningState: 'Succeeded',
      })
      expect(each.properties).not.toHaveProperty('replicationStatus')
    }
  })

  it('an empty list is an empty value', async () => {
    expect((await other.get('disks')).body).toEqual({ value: [] })
    expect((await other.get(`${subscription}/providers/Microsoft.Compute/images`)).body).toEqual({
      value: [],
    })
  })

  describe('R111 everything of a subscription', () => {
    it('all types, in full pages, in the short form', async () => {
      const found = await pages(`${subscription}/resources`)
      // Galleries, a definition, five versions, a disk.
      expect(found.flat()).toHaveLength(many + 1 + 1 + 5 + 1)
      expect(found.slice(0, -1).every((page) => page.length === 100)).toBe(true)
      const { value } = (await arm.get(`${subscription}/resources`)).body
      expect(Array.isArray(value) && value[1]).toEqual({
        id: arm.idOf('galleries/g001'),
        name: 'g001',
        type: 'Microsoft.Compute/galleries',
        location: 'westeurope',
        tags: { at: '1' },
      })
    })

    it('filtered by type and group, as the portal and az do', async () => {
      const all = async (filter: string) =>
        (await pages(`${subscription}/resources?$filter=${encodeURIComponent(filter)}`)).flat()
      expect(await all("resourceType eq 'microsoft.compute/DISKS'")).toEqual(['os'])
      expect(await all("resourceGroup eq 'OTHERRG'")).toEqual(['zLast'])
      expect(
        await all("resourceGroup eq 'otherRG' and resourceType eq 'Microsoft.Compute/galleries'"),
      ).toEqual(['zLast'])
      expect(await all("resourceType eq 'Microsoft.Network/virtualNetworks'")).toEqual([])
      expect((await pages(`${other.groupPath}/resources`)).flat()).toEqual(['zLast'])
      const sdk = []
      const filter = "resourceType eq 'Microsoft.Compute/disks'"
      for await (const each of vitrine.resources.resources.list({ filter })) sdk.push(each.name)
      expect(sdk).toEqual(['os'])
    })

    it('a filter that is not understood is refused, not ignored', async () => {
      const wrong = [
        ...["plan eq 'a'", 'name eq a', "name eq 'a' and", "name gt 'a'", "(name eq 'a'", 'name'],
        ...[
          "substringof('a', location",
          "'a' eq name",
          `${'('.repeat(30)}name eq 'a'${')'.repeat(30)}`,
        ],
        `${"name eq 'a' or ".repeat(500)}name eq 'b'`,
      ]
      for (const filter of wrong) {
        const path = `${subscription}/resources?$filter=${encodeURIComponent(filter)}`
        const answer = await arm.get(path)
        expect([filter, answer.status, errorOf(answer).code]).toEqual([
          ...[filter, 400, 'InvalidParameter'],
        ])
      }
      expect((await arm.get(`${subscription}/resources?$top=none`)).status).toBe(400)
    })

    it('R116 by name, place and tags, with names of children below their parents', async () => {
      await arm.put('galleries/g003', { ...west, tags: { Env: 'live', at: '3' } })
      await other.put('galleries/zLast', { ...west, tags: { env: 'test' } })
      const all = async (filter: string, more = '') => {
        const path = `${subscription}/resources?$filter=${encodeURIComponent(filter)}${more}`
        return (await pages(path)).flat()
      }
      const versions = "resourceType eq 'Microsoft.Compute/galleries/images/versions'"
      expect(await all(`${versions} and substringof('D/1.1', name)`)).toEqual(['g000/d/1.10.0'])
      expect(await all("name eq 'G000/D'")).toEqual(['g000/d'])
      expect(await all("tagName eq 'ENV'")).toEqual(expect.arrayContaining(['g003', 'zLast']))
      expect(await all("tagname eq 'env' and tagvalue eq 'live'")).toEqual(['g003'])
      expect(await all("tagName eq 'env' and tagValue eq 'LIVE'")).toEqual([])
      expect(await all("tagValue eq 'test' and resourceGroup eq 'otherrg'")).toEqual(['zLast'])
      expect(await all("tagName eq 'env' and resourceGroup ne 'otherRG'")).toEqual(['g003'])
      expect(await all("startswith(name, 'ZL') or (name eq 'os')")).toEqual(['zLast', 'os'])
      expect(await all("not (location eq 'West Europe')")).toEqual([])
      expect(await all("location eq 'West Europe' and name eq 'it''s'")).toEqual([])
      expect(
        await all("resourceType ne 'Microsoft.Compute/galleries' and substringof('g0', name)"),
      ).toHaveLength(6)
      const galleries = "resourceType eq 'Microsoft.Compute/galleries'"
      expect(await all(galleries, '&$top=7')).toHaveLength(many + 1)
    })

    it('with what $expand names, and groups by their tags', async () => {
      const path = `${subscription}/resources?$filter=${encodeURIComponent("name eq 'g000'")}`
      const { value } = (await arm.get(`${path}&$expand=createdTime,changedTime,provisioningState`))
        .body
      const text = expect.stringMatching(/^\d{4}-.*Z$/)
      expect(value).toEqual([
        expect.objectContaining({
          ...{ createdTime: text, changedTime: text, provisioningState: 'Succeeded' },
        }),
      ])
      const { resourceGroups } = vitrine.resources
      await resourceGroups.update(other.groupPath.split('/').at(-1) ?? '', { tags: { team: 'a' } })
      const found = []
      const filter = "tagName eq 'team' and tagValue eq 'a'"
      for await (const each of resourceGroups.list({ filter, top: 1 })) found.push(each.name)
      expect(found).toEqual(['otherRG'])
    })
  })
})
