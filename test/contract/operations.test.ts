import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const guid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?\+00:00$/)
const versions = `galleries/${gallery}/images/${definition}/versions`

/** The long-running operations of each flavour, as clients of every age follow them. */
describe('operations', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let above: string
  let disk: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    disk = await arm.upload('os', dataBytes(1))
    above = `${vitrine.url}/subscriptions/${vitrine.subscription}/providers/Microsoft.Compute/locations/westeurope`
  })
  afterAll(() => vitrine.close())

  const source = () => ({
    ...west,
    properties: { storageProfile: { osDiskImage: { source: { id: disk } } } },
  })
  const pathOf = (url: string | null) => {
    const { pathname, search } = new URL(url ?? '')
    return `${pathname}${search}`
  }
  const status = (answer: Answer) => pathOf(answer.headers.get('azure-asyncoperation'))
  const monitor = (answer: Answer) => pathOf(answer.headers.get('location'))

  it('galleries: capsOperations, absolute, with the api-version of the request', async () => {
    const made = await arm.put('galleries/caps', west, '2021-10-01')
    const url = made.headers.get('azure-asyncoperation') ?? ''
    expect(url).toMatch(new RegExp(`^${above}/capsOperations/${guid}\\?api-version=2021-10-01$`))
    const { status: code, body, headers } = await arm.get(pathOf(url))
    expect(code).toBe(200)
    const name = /capsOperations\/([^?]+)/.exec(url)?.[1]
    expect(body).toEqual({ startTime: time, endTime: time, status: 'Succeeded', name })
    expect(headers.has('retry-after')).toBe(false)
  })

  it('a version in the making: InProgress without endTime, with Retry-After, then Succeeded without output', async () => {
    const made = await arm.put(`${versions}/1.0.0`, source())
    expect(made.status).toBe(201)
    expect(made.headers.has('location')).toBe(false)
    expect(made.headers.get('retry-after')).toBe('1')
    const first = await arm.get(status(made))
    if (first.body.status === 'InProgress') {
      expect(first.body).toEqual({
        startTime: time,
        status: 'InProgress',
        name: expect.any(String),
      })
      expect(first.headers.get('retry-after')).toBe('1')
      // Short operations are over long before a second is: clients that know this header ask sooner.
      const againMs = Number(first.headers.get('retry-after-ms'))
      expect(againMs).toBeGreaterThan(0)
      expect(againMs).toBeLessThanOrEqual(1000)
    }
    const last = await arm.ended(made)
    expect(last).toEqual({
      startTime: time,
      endTime: time,
      status: 'Succeeded',
      name: first.body.name,
    })
    const read = await arm.get(`${versions}/1.0.0`)
    expect(read.body.properties).toMatchObject({ provisioningState: 'Succeeded' })
  })

  it('an update of a version: 200, Updating, Azure-AsyncOperation alone; PATCH alike', async () => {
    const body = { tags: { a: 'b' } }
    for (const answer of [
      await arm.put(`${versions}/1.0.0`, { ...source(), ...body }),
      await arm.ask('PATCH', `${versions}/1.0.0`, { body: { tags: { c: 'd' } } }),
    ]) {
      expect(answer.status).toBe(200)
      expect(answer.body.properties).toMatchObject({ provisioningState: 'Updating' })
      expect(answer.headers.get('azure-asyncoperation')).toContain('/capsOperations/')
      expect(answer.headers.has('location')).toBe(false)
      expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
    }
  })

  it('DELETE of a version: 202 without a body, both headers; the monitor goes from 202 to 200, both empty', async () => {
    await arm.make(`${versions}/1.9.0`, source())
    const accepted = await arm.ask('DELETE', `${versions}/1.9.0`)
    expect([accepted.status, accepted.body]).toEqual([202, {}])
    expect(accepted.headers.get('content-length')).toBe('0')
    expect(accepted.headers.get('location')).toMatch(
      new RegExp(`^${above}/capsOperations/${guid}\\?monitor=true&api-version=2024-03-03$`),
    )
    const during = await arm.get(monitor(accepted))
    expect([200, 202]).toContain(during.status)
    expect(during.body).toEqual({})
    if (during.status === 202) {
      expect(pathOf(during.headers.get('location'))).toBe(monitor(accepted))
      expect(during.headers.get('retry-after')).toBe('1')
    }
    await arm.ended(accepted)
    const done = await arm.get(monitor(accepted))
    expect([done.status, done.body]).toEqual([200, {}])
    expect((await arm.get(`${versions}/1.9.0`)).status).toBe(404)
  })

  it('disks: 202, DiskOperations with ?p=, output is the resource, in both forms', async () => {
    const made = await arm.put('disks/flavour', {
      ...west,
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
    })
    expect(made.status).toBe(202)
    expect(made.body.properties).toMatchObject({ provisioningState: 'Updating' })
    expect(made.headers.get('azure-asyncoperation')).toMatch(
      new RegExp(`^${above}/DiskOperations/(${guid})\\?p=\\1&api-version=2023-10-02$`),
    )
    expect(made.headers.get('location')).toMatch(
      new RegExp(`^${above}/DiskOperations/(${guid})\\?p=\\1&monitor=true&api-version=2023-10-02$`),
    )
    const ended = await arm.ended(made)
    const shown = (await arm.get('disks/flavour')).body
    expect(ended).toMatchObject({ status: 'Succeeded', properties: { output: shown } })
    const monitored = await arm.get(monitor(made))
    expect([monitored.status, monitored.body]).toEqual([200, shown])
    const updated = await arm.ask('PATCH', 'disks/flavour', { body: { tags: { a: 'b' } } })
    expect(updated.status).toBe(202)
    expect(await arm.ended(updated)).toMatchObject({ properties: { output: { tags: { a: 'b' } } } })
    const gone = await arm.ask('DELETE', 'disks/flavour')
    expect([gone.status, gone.body]).toEqual([202, {}])
    const last = await arm.ended(gone)
    expect(last).toMatchObject({ status: 'Succeeded' })
    expect(last).not.toHaveProperty('properties')
  })

  it('access to a disk: 202 without a body, and accessSAS in the status and the monitor', async () => {
    const body = { access: 'Read', durationInSeconds: 60 }
    const asked = await arm.ask('POST', 'disks/os/beginGetAccess', { body })
    expect([asked.status, asked.body]).toEqual([202, {}])
    const accessSAS = expect.stringMatching(new RegExp(`^${vitrine.url}/.*sig=`))
    expect(await arm.ended(asked)).toMatchObject({ properties: { output: { accessSAS } } })
    expect((await arm.get(monitor(asked))).body).toEqual({ accessSAS })
    const revoked = await arm.ask('POST', 'disks/os/endGetAccess')
    expect([revoked.status, revoked.body]).toEqual([202, {}])
    expect(await arm.ended(revoked)).not.toHaveProperty('properties')
    expect((await arm.get(monitor(revoked))).body).toEqual({})
  })

  it('managed images: 201, operations with ?p=, Azure-AsyncOperation alone', async () => {
    const made = await arm.put('images/flavour', {
      ...west,
      properties: {
        storageProfile: {
          osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id: disk } },
        },
      },
    })
    expect(made.status).toBe(201)
    expect(made.body.properties).toMatchObject({ provisioningState: 'Creating' })
    expect(made.headers.get('azure-asyncoperation')).toMatch(
      new RegExp(`^${above}/operations/(${guid})\\?p=\\1&api-version=2024-03-01$`),
    )
    expect(made.headers.has('location')).toBe(false)
    expect(await arm.ended(made)).toEqual({
      startTime: time,
      endTime: time,
      status: 'Succeeded',
      name: expect.stringMatching(guid),
    })
  })

  it('a failed one says why, and its resource is Failed', async () => {
    await arm.make(`galleries/${gallery}/images/windows`, {
      ...west,
      properties: {
        osType: 'Windows',
        osState: 'Generalized',
        identifier: { publisher: 'p', offer: 'o', sku: 'windows' },
      },
    })
    const path = `galleries/${gallery}/images/windows/versions/1.0.0`
    const made = await arm.put(path, source())
    expect(made.status).toBe(201)
    expect(await arm.ended(made)).toEqual({
      startTime: time,
      endTime: time,
      status: 'Failed',
      error: {
        code: 'Conflict',
        message: `The resource with id '${disk}' has a different OS type ['Linux'] than the parent gallery image OS type ['Windows'].`,
      },
      name: expect.stringMatching(guid),
    })
    expect((await arm.get(path)).body.properties).toMatchObject({ provisioningState: 'Failed' })
    await arm.remove(path)
  })

  it('a delete preempts what runs: its operation ends Canceled, and nothing is left', async () => {
    const path = `${versions}/2.0.0`
    const targetRegions = ['westeurope', 'eastus', 'westus'].map((name) => ({ name }))
    const making = await arm.put(path, {
      ...west,
      properties: { ...source().properties, publishingProfile: { targetRegions } },
    })
    const deleting = await arm.ask('DELETE', path)
    expect(deleting.status).toBe(202)
    expect(await arm.ended(making)).toMatchObject({
      status: 'Canceled',
      error: { code: 'OperationPreempted' },
    })
    const again = await arm.ask('DELETE', path)
    expect([202, 204]).toContain(again.status)
    expect(await arm.ended(deleting)).toMatchObject({ status: 'Succeeded' })
    if (again.status === 202) expect(await arm.ended(again)).toMatchObject({ status: 'Succeeded' })
    expect((await arm.get(path)).status).toBe(404)
    const { read } = vitrine.installation.store
    const key = arm.idOf(path).toLowerCase()
    expect(await read.replicas.of([key])).toEqual([])
    expect(await read.placements.ofKeepers([key])).toEqual([])
    // The second DELETE may have asked once more while the first one ended.
    await expect.poll(() => read.work.unfinishedOf(key)).toEqual([])
  })

  it('a version that is being deleted takes no update', async () => {
    const path = `${versions}/2.1.0`
    await arm.make(path, source())
    const deleting = await arm.ask('DELETE', path)
    const late = await arm.put(path, source())
    // Unless it was gone by then: the same words would make it anew.
    if (late.status !== 201) {
      expect(late.status).toBe(409)
      expect(errorOf(late)).toMatchObject({
        code: 'Conflict',
        message: expect.stringMatching(
          /is not allowed on 2\.1\.0 since it is marked for deletion\. You can only retry the Delete operation \(or wait for an ongoing one to complete\)$/,
        ),
      })
    }
    await arm.ended(deleting)
    await arm.remove(path)
  })

  it('a tag set while a disk takes in its upload waits for it, and both are there in the end', async () => {
    await arm.make('disks/busy', {
      ...west,
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: 1024 * 1024 } },
    })
    await arm.grant('busy', 'Write')
    const closing = await arm.ask('POST', 'disks/busy/endGetAccess')
    const tagging = await arm.ask('PATCH', 'disks/busy', { body: { tags: { a: 'b' } } })
    expect(tagging.status).toBe(202)
    expect(await arm.ended(tagging)).toMatchObject({ status: 'Succeeded' })
    expect(await arm.ended(closing)).toMatchObject({ status: 'Succeeded' })
    expect((await arm.get('disks/busy')).body).toMatchObject({
      tags: { a: 'b' },
      properties: { diskState: 'Unattached', diskSizeBytes: 1024 * 1024 },
    })
    expect(await arm.download('busy')).toHaveLength(1024 * 1024)
  })

  it('one that nobody began is NotFound, in any form', async () => {
    const id = '00000000-0000-4000-8000-00000000dead'
    for (const kind of ['capsOperations', 'DiskOperations', 'operations']) {
      const path = `${above.slice(vitrine.url.length)}/${kind}/${id}`
      const answer = await arm.get(path)
      expect([answer.status, errorOf(answer).code]).toEqual([404, 'NotFound'])
    }
    const results = `/subscriptions/${vitrine.subscription}/operationresults/${id}`
    expect((await arm.get(results)).status).toBe(404)
  })

  it('its URL is opaque: extra parameters and another case do no harm', async () => {
    const made = await arm.put('galleries/opaque', west)
    const poll = await arm.get(
      `${status(made).replace('capsOperations', 'CAPSOPERATIONS')}&t=1&c=2`,
    )
    expect(poll.body).toMatchObject({ status: 'Succeeded' })
  })
})
