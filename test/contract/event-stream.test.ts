import { setTimeout as rest } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { limits } from '../../src/domain/limits.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const events = '/providers/Vitrine.Gallery/events'
const log = '/providers/Microsoft.Insights/eventtypes/management/values'
const west = { location: 'westeurope' }
const dayMs = 24 * 3_600_000

describe('B20 the stream of events', () => {
  const world = openMovingWorld()
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation({ world, config: { activityLogDays: 10 } })
    arm = openArm(vitrine)
    await arm.make(`${arm.groupPath}?api-version=2021-04-01`, west)
  })
  afterAll(() => vitrine.close())

  /** Listens; what has come so far, in a text that grows until the stream ends. */
  async function listen(headers: Readonly<Record<string, string>> = {}) {
    const end = new AbortController()
    const answer = await fetch(new URL(`${events}?api-version=2024-03-01`, vitrine.url), {
      headers: {
        authorization: `Bearer ${vitrine.token}`,
        accept: 'text/event-stream',
        ...headers,
      },
      signal: end.signal,
    })
    let text = ''
    const reading = (async () => {
      if (!answer.body || answer.status !== 200) return
      for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) text += piece
    })().catch(() => undefined)
    const stop = async () => {
      end.abort()
      await reading
    }
    return { status: answer.status, text: () => text, stop }
  }

  it('begins with what happens from now on, and says that it is there while nothing happens', async () => {
    const stream = await listen()
    await expect.poll(stream.text).toBe('retry: 1000\n\n')
    while (!stream.text().includes(': here\n\n')) {
      world.move(15_000)
      await rest(500)
    }
    expect(stream.text()).toMatch(/^retry: 1000\n\n(: here\n\n)+$/)
    await arm.make('galleries/one', west)
    await expect.poll(stream.text).toContain('event: Vitrine.Gallery.Gallery.Created')
    await stream.stop()
  })

  it('is open so often for a principal and no more, however many ask at once, until one is closed', async () => {
    const max = limits.eventStreamsOfPrincipalMax
    const all = await Promise.all(Array.from({ length: 2 * max }, () => listen()))
    const isOpen = (stream: (typeof all)[number]) => stream.text().startsWith('retry')
    await expect.poll(() => all.filter(isOpen).length).toBe(max)
    const refused = await arm.ask('GET', events, { headers: { accept: 'text/event-stream' } })
    expect([refused.status, errorOf(refused).code]).toEqual([429, 'TooManyRequests'])
    // Pages are read all the same, and another principal has his own.
    expect((await arm.get(events)).status).toBe(200)
    const other = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: arm.groupPath },
    ])
    const his = await listen(other.headers)
    await expect.poll(his.text).toContain('retry')
    await his.stop()
    await all.find(isOpen)?.stop()
    await expect
      .poll(async () => {
        const again = await listen()
        await again.stop()
        return again.status
      })
      .toBe(200)
    await Promise.all(all.map(({ stop }) => stop()))
  })

  it('and the activity log keep what is as old as the operator says; behind a cursor of what is gone is 410, and a number that was never given 400', async () => {
    const { store } = vitrine.installation
    const nowMs = await store.nowMs()
    await expect.poll(() => store.read.events.isBehind()).toBe(false)
    const query = { subscription: vitrine.subscription, sinceMs: 0, untilMs: nowMs + dayMs }
    const { rows } = await store.read.events.list({ ...query, after: undefined, rowsMax: 1 })
    const [row] = rows
    if (!row) throw new Error('something has happened')
    const aged = (id: string, days: number) => ({ ...row, id, atMs: nowMs - days * dayMs })
    const before = await store.read.events.last()
    const old = aged('00000000-0000-4000-8000-00000000000a', 11)
    const young = aged('00000000-0000-4000-8000-00000000000b', 9)
    await store.write((each) => each.events.add([old, young]))
    const since = encodeURIComponent("eventTimestamp ge '2020-01-01'")
    const logged = async () => {
      const path = `/subscriptions/${vitrine.subscription}${log}`
      const { body } = await arm.get(`${path}?api-version=2015-04-01&$filter=${since}`)
      return (isList(body.value) ? body.value : []).map((row) => valueAt(row, 'eventDataId'))
    }
    expect(await logged()).toEqual(expect.arrayContaining([old.id, young.id]))
    const at = (after: number) => arm.get(`${events}?after=${after}`)
    expect((await at(before)).status).toBe(200)
    // What is older than all of them has the lowest numbers in life; here all up to it are made old.
    const prune = { kind: 'Prune', subject: 'installation', queue: 'control', generation: 1 }
    await store.write(async (each) => {
      await each.events.prune(nowMs + dayMs, before)
      await each.work.request([{ ...prune, key: undefined }], nowMs)
    })
    await expect.poll(logged).not.toContain(old.id)
    expect(await logged()).toContain(young.id)
    const forgotten = await store.read.events.forgotten()
    expect(forgotten).toBe(before + 1)
    const gone = await at(before)
    expect([gone.status, errorOf(gone)]).toMatchObject([
      410,
      { code: 'CursorExpired', message: expect.stringContaining('after=0') },
    ])
    expect((await listen({ 'last-event-id': '1' })).status).toBe(410)
    for (const kept of [0, forgotten]) {
      const { body } = await at(kept)
      expect((isList(body.value) ? body.value : []).map((row) => valueAt(row, 'id'))).toEqual([
        young.id,
      ])
    }
    const never = await at(forgotten + 1_000)
    expect([never.status, errorOf(never).code]).toEqual([400, 'InvalidParameter'])
  })
})
