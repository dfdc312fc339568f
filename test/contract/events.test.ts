import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import type { Arm } from '../support/arm.ts'
import { definition, gallery } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openReadyGallery } from '../support/ready-gallery.ts'
import type { TestInstallation } from '../support/test-installation.ts'

const events = '/providers/Vitrine.Gallery/events'
const versions = `galleries/${gallery}/images/${definition}/versions`
const west = { location: 'westeurope' }

describe('B20 events', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let disk: string
  beforeAll(async () => {
    ;({ vitrine, arm, disk } = await openReadyGallery())
  })
  afterAll(() => vitrine.close())

  type Told = { readonly type: string; readonly subject: string; readonly event: JsonObject }

  /** One page behind a cursor, and the next one. */
  async function page(scope: string, after: number, headers = arm.headers) {
    const response = await vitrine.call(
      'GET',
      `${scope}${events}?api-version=2024-03-01&after=${after}`,
      undefined,
      headers,
    )
    expect(response.headers.get('content-type')).toContain('application/cloudevents-batch+json')
    const body: unknown = await response.json()
    if (!Array.isArray(body)) throw new Error(`no batch: ${JSON.stringify(body)}`)
    const told = body.map(
      (event: JsonObject): Told => ({
        type: String(event.type).replace('Vitrine.Gallery.', ''),
        subject: String(event.subject),
        event,
      }),
    )
    return { told, next: Number(response.headers.get('x-vitrine-cursor')) }
  }

  /** All from the beginning, until there is one of this type. */
  async function until(type: string, about: (one: Told) => boolean = () => true) {
    const all: Told[] = []
    let after = 0
    while (!all.some((one) => one.type.endsWith(type) && about(one))) {
      const { told, next } = await page('', after)
      all.push(...told)
      if (next === after) await new Promise((resolve) => setTimeout(resolve, 50))
      after = next
    }
    return all
  }

  const publish = (name: string, publishingProfile: JsonObject = {}) =>
    arm.make(`${versions}/${name}`, {
      ...west,
      properties: { publishingProfile, storageProfile: { osDiskImage: { source: { id: disk } } } },
    })

  it('tell the life of a version in its order, region by region, and which one is latest, each once', async () => {
    const targetRegions = [{ name: 'westeurope' }, { name: 'eastus', regionalReplicaCount: 1 }]
    await publish('1.0.0', { targetRegions })
    // Of what changes again before it is looked at, the last is told.
    await until('LatestChanged', ({ event }) => JSON.stringify(event).includes('"eastus"'))
    await publish('1.1.0', { targetRegions: [{ name: 'westeurope' }] })
    await until('LatestChanged', ({ event }) => JSON.stringify(event).includes('"before":"1.0.0"'))
    await arm.remove(`${versions}/1.1.0`)
    const all = await until('LatestChanged', ({ event }) =>
      JSON.stringify(event).includes('"before":"1.1.0"'),
    )
    const [one, two] = ['1.0.0', '1.1.0'].map((name) => arm.idOf(`${versions}/${name}`))
    const of = (subject: string | undefined) =>
      all.filter((each) => each.subject === subject).map(({ type }) => type)
    expect(of(one)).toEqual([
      'ImageVersion.Created',
      'ImageVersion.RegionCompleted',
      'ImageVersion.RegionCompleted',
      'ImageVersion.Published',
    ])
    expect(of(two)).toEqual([
      'ImageVersion.Created',
      'ImageVersion.RegionCompleted',
      'ImageVersion.Published',
      'ImageVersion.Deleting',
      'ImageVersion.Deleted',
    ])
    const latest = all
      .filter(({ type }) => type === 'ImageDefinition.LatestChanged')
      .map(({ event }) => event.data)
    const changes = (region: string) =>
      latest.filter((data) => Object(data).region === region).map((data) => Object(data).version)
    expect(changes('westeurope')).toEqual(['1.0.0', '1.1.0', '1.0.0'])
    expect(changes('eastus')).toEqual(['1.0.0'])
    const numbers = all.map(({ event }) => Number(event.sequence))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(new Set(all.map(({ event }) => event.id)).size).toBe(all.length)
    expect(all[0]?.event).toEqual({
      ...{ specversion: '1.0', id: expect.any(String), source: vitrine.url, sequence: '1' },
      ...{ type: 'Vitrine.Gallery.ResourceGroup.Created', subject: arm.groupPath },
      ...{ time: expect.stringMatching(/Z$/), datacontenttype: 'application/json' },
      data: {
        ...{ resourceId: arm.groupPath, status: 'Succeeded' },
        ...{ operationId: expect.any(String), correlationId: expect.any(String) },
      },
    })
  })

  it('tell when an end of life has come, once, and not when it was put off', async () => {
    // A date that has passed when it is judged is refused: time enough for a slow machine to get there.
    const soon = () => new Date(Date.now() + 5_000).toISOString()
    await publish('2.0.0', { endOfLifeDate: '2090-01-01' })
    const body = (endOfLifeDate: string) => ({
      ...west,
      properties: {
        publishingProfile: { endOfLifeDate },
        storageProfile: { osDiskImage: { source: { id: disk } } },
      },
    })
    await arm.make(`${versions}/2.0.0`, body(soon()))
    const id = arm.idOf(`${versions}/2.0.0`)
    await until('EndOfLifeReached', ({ subject }) => subject === id)
    await arm.make(`${versions}/2.0.0`, body('2091-01-01'))
    const all = await until('ImageVersion.Updated', ({ subject }) => subject === id)
    const reached = all.filter(({ type }) => type.endsWith('EndOfLifeReached'))
    expect(reached.map(({ subject }) => subject)).toEqual([id])
  })

  it('are those of what the caller may read, at the scope and below it', async () => {
    const scope = arm.idOf(`galleries/${gallery}`)
    const other = await openOtherCaller(vitrine, [{ roleId: builtInRoles.reader.id, scope }])
    const { told } = await page('', 0, other.headers)
    expect(told.length).toBeGreaterThan(5)
    expect(told.filter(({ subject }) => !subject.startsWith(scope))).toEqual([])
    const versionId = arm.idOf(`${versions}/1.0.0`)
    const below = await page(versionId, 0)
    expect(new Set(below.told.map(({ subject }) => subject))).toEqual(new Set([versionId]))
    const nobody = await openOtherCaller(vitrine, [])
    const nothing = await page('', 0, nobody.headers)
    expect(nothing.told).toEqual([])
    // His cursor moves on all the same.
    expect(nothing.next).toBeGreaterThan(0)
    expect((await arm.get(`${events}?after=x`)).status).toBe(400)
  })

  it('come as they happen to who listens, from where he left off, until he may not read any more', async () => {
    const scope = arm.idOf(`galleries/${gallery}`)
    const other = await openOtherCaller(vitrine, [])
    const role = `${scope}/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555`
    const reader = `/providers/Microsoft.Authorization/roleDefinitions/${builtInRoles.reader.id}`
    const properties = { roleDefinitionId: reader, principalId: other.objectId }
    expect((await arm.put(role, { properties })).status).toBe(201)
    const listen = (headers: Readonly<Record<string, string>>) =>
      vitrine.call('GET', `${scope}${events}?api-version=2024-03-01`, undefined, {
        ...other.headers,
        accept: 'text/event-stream',
        ...headers,
      })
    const answer = await listen({ 'last-event-id': '0' })
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const reading = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const read = async (wanted: string) => {
      while (!text.includes(wanted)) {
        const { value, done } = (await reading?.read()) ?? { done: true, value: '' }
        if (done) throw new Error(`ended before ${wanted}: ${text}`)
        text += value
      }
    }
    await read('event: Vitrine.Gallery.ImageVersion.Published')
    expect(text).toMatch(
      /^retry: 1000\n\nid: \d+\nevent: Vitrine\.Gallery\.Gallery\.Created\ndata: \{/,
    )
    await arm.make(`galleries/${gallery}`, { ...west, properties: { description: 'newer' } })
    await read('event: Vitrine.Gallery.Gallery.Updated')
    await arm.ask('DELETE', role)
    await arm.make(`galleries/${gallery}`, { ...west, properties: { description: 'newest' } })
    for (let done = false; !done; ) {
      const piece = await reading?.read()
      done = piece?.done ?? true
      text += piece?.value ?? ''
    }
    expect(text.match(/event: Vitrine\.Gallery\.Gallery\.Updated/g)?.length).toBe(1)
  })
})
