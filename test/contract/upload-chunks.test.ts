import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseNode } from '../../src/chunks/node.ts'
import { digestOf } from '../../src/domain/digest.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { pageBlob } from '../support/main-job.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const chunk = 65_536
const mib = 1024 * 1024
const diskBytes = 18 * mib + chunk / 2
const created = { status: 201, code: null }
const unverified = { status: 403, code: 'CannotVerifyCopySource' }
const Digests = z.object({
  virtualSizeBytes: z.number(),
  chunkBytes: z.number(),
  leafBytes: z.number(),
  leaves: z.array(z.tuple([z.number(), z.string()])),
})
let disks = 0

/** What the product's own client does with it, `negotiated-upload.test.ts` tells. */
describe('an upload that names what is here already', () => {
  const world = openMovingWorld()
  const parent = Buffer.concat([dataBytes(1, 17 * mib), Buffer.alloc(mib), dataBytes(2, chunk / 2)])
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation({ world })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    await arm.upload('parent', parent)
    await arm.upload('abroad', dataBytes(3, mib), { location: 'eastus' })
  })
  afterAll(() => vitrine.close())

  async function begin(sizeBytes = diskBytes) {
    disks += 1
    const name = `upload${disks}`
    await arm.make(`disks/${name}`, {
      location: 'westeurope',
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: sizeBytes } },
    })
    return { name, sas: await arm.grant(name, 'Write') }
  }

  async function tell(sas: string, source: string | undefined, body: unknown) {
    const answer = await fetch(`${sas}&comp=chunks`, {
      method: 'PUT',
      headers: source === undefined ? {} : { 'x-ms-copy-source': source },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const { status, headers } = answer
    return { status, code: headers.get('x-ms-error-code'), text: await answer.text() }
  }

  async function digestsOf(sas: string) {
    return Digests.parse(await (await fetch(`${sas}&comp=digests`)).json())
  }

  async function uploadOf(name: string): Promise<string> {
    return String(valueAt((await arm.get(`disks/${name}`)).body, 'properties.uniqueId'))
  }

  /** What is kept for an upload beside what its disk is. */
  async function keptFor(name: string) {
    return await vitrine.installation.store.uploads.kept(await uploadOf(name))
  }

  const whole = { runs: [{ offset: 0, length: diskBytes, from: 0 }] }

  it('who may read a disk learns the digests of its 16 MiB, and of the chunks in them', async () => {
    const sas = await arm.grant('parent', 'Read')
    const listed = await digestsOf(sas)
    expect(listed).toMatchObject({ virtualSizeBytes: diskBytes, chunkBytes: chunk })
    expect(listed.leafBytes).toBe(16 * mib)
    const { leaves } = listed
    expect(leaves.map(([leaf]) => leaf)).toEqual([0, 1])
    const nodes = Buffer.from(await (await fetch(`${sas}&comp=nodes&from=0&count=9`)).arrayBuffer())
    const first = nodes.subarray(0, 40 + 256 * 32)
    expect(leaves.map(([, digest]) => digest)).toEqual([
      digestOf(first),
      digestOf(nodes.subarray(first.length)),
    ])
    const { children } = parseNode(first, 0)
    expect(children[3]).toBe(digestOf(parent.subarray(3 * chunk, 4 * chunk)))
    expect((await digestsOf(`${sas}&from=1`)).leaves).toEqual(leaves.slice(1))
    for (const wrong of ['from=x', 'from=-1', 'from=99999999']) {
      const answer = await fetch(`${sas}&comp=digests&${wrong}`)
      expect([wrong, answer.status]).toEqual([wrong, 400])
    }
    await arm.revoke('parent')
  })

  it('a disk that is the same moves no byte, and is the same image', async () => {
    const { name, sas } = await begin()
    const source = await arm.grant('parent', 'Read')
    expect(await tell(sas, source, whole)).toMatchObject(created)
    const ranges = await pageBlob(sas).getPageRanges()
    expect(ranges.pageRange).toHaveLength(1)
    const read = await pageBlob(sas).downloadToBuffer(mib, 99)
    expect(read.equals(parent.subarray(mib, mib + 99))).toBe(true)
    await arm.revoke('parent')
    await arm.remove('disks/parent')
    expect(await arm.revoke(name)).toMatchObject({ status: 'Succeeded' })
    expect((await arm.download(name)).equals(parent)).toBe(true)
    await expect.poll(() => keptFor(name)).toEqual([])
    await arm.upload('parent', parent)
  })

  it('an upload that is deleted keeps nothing any more', async () => {
    const { name, sas } = await begin()
    expect(await tell(sas, await arm.grant('parent', 'Read'), whole)).toMatchObject(created)
    expect(await keptFor(name)).toHaveLength(1)
    const { uploads } = vitrine.installation.store
    const upload = await uploadOf(name)
    await arm.remove(`disks/${name}`)
    expect(await uploads.kept(upload)).toEqual([])
    expect(await uploads.keys(upload, 1)).toEqual([])
  })

  it('of a page and a run over one another the last word counts', async () => {
    const { name, sas } = await begin()
    const source = await arm.grant('parent', 'Read')
    const page = Buffer.from(dataBytes(7, 4096))
    const wanted = Buffer.alloc(diskBytes)
    await pageBlob(sas).uploadPages(page, 2 * chunk, 4096)
    const runs = [
      { offset: chunk, length: 2 * chunk, from: 5 * chunk },
      { offset: 6 * chunk, length: 3 * chunk, from: 16 * mib },
    ]
    expect(await tell(sas, source, { runs })).toMatchObject(created)
    await pageBlob(sas).uploadPages(page, 7 * chunk + 512, 4096)
    parent.copy(wanted, chunk, 5 * chunk, 7 * chunk)
    parent.copy(wanted, 6 * chunk, 16 * mib, 16 * mib + 3 * chunk)
    wanted.set(page, 7 * chunk + 512)
    expect((await pageBlob(sas).downloadToBuffer()).equals(wanted)).toBe(true)
    expect(await arm.revoke(name)).toMatchObject({ status: 'Succeeded' })
    expect((await arm.download(name)).equals(wanted)).toBe(true)
  })

  it.each([
    ['not JSON', '{', 'The body is not JSON.'],
    ['without runs', { runs: [] }, 'runs: '],
    ['with too many', { runs: Array(1001).fill(whole.runs[0]) }, 'runs: '],
    ['negative', { runs: [{ offset: -1, length: chunk, from: 0 }] }, 'runs[0].offset: '],
    ['of nothing', { runs: [{ offset: 0, length: 0, from: 0 }] }, 'runs[0].length: '],
    ['no number', { runs: [{ offset: 0, length: chunk, from: '0' }] }, 'runs[0].from: '],
    ['beside the grid', { runs: [{ offset: 512, length: chunk, from: 0 }] }, 'runs[0].offset: '],
    ['from beside it', { runs: [{ offset: 0, length: chunk, from: 512 }] }, 'runs[0].from: '],
    ['beside sectors', { runs: [{ offset: 0, length: 513, from: 0 }] }, 'runs[0].length: '],
    [
      'beyond the source',
      { runs: [{ offset: 0, length: 2 * chunk, from: 18 * mib }] },
      'runs[0].from: ',
    ],
    [
      'beyond the upload',
      { runs: [{ offset: 18 * mib, length: chunk, from: 0 }] },
      'runs[0].length: ',
    ],
    [
      'over one another',
      {
        runs: [
          { offset: 0, length: 2 * chunk, from: 0 },
          { offset: chunk, length: chunk, from: 0 },
        ],
      },
      'runs[1].offset: ',
    ],
  ])('runs that are %s are refused, the field named', async (_, body, told) => {
    const { sas } = await begin()
    const answer = await tell(sas, await arm.grant('parent', 'Read'), body)
    expect(answer).toMatchObject({ status: 400, code: 'InvalidInput' })
    expect(answer.text).toContain(`<Message>${told}`)
  })

  it('a source that may not be read is refused in one way, whatever it is', async () => {
    const { sas } = await begin()
    const read = await arm.grant('parent', 'Read')
    const refusals = [
      await tell(sas, undefined, whole),
      await tell(sas, 'https://elsewhere.example/disk.vhd', whole),
      await tell(sas, read.replace(/sig=.*/, 'sig=forged'), whole),
      await tell(sas, read.replace(/md-disks\/[^/]+/, 'md-disks/none'), whole),
      await tell(sas, sas, whole),
    ]
    await arm.revoke('parent')
    refusals.push(await tell(sas, read, whole))
    const short = await arm.grant('parent', 'Read', 1)
    world.move(2000)
    refusals.push(await tell(sas, short, whole))
    const [first] = refusals
    expect(first).toMatchObject(unverified)
    const messageOf = ({ text }: { text: string }) => text.split('\n')[0]
    for (const one of refusals) {
      expect(one).toMatchObject(unverified)
      expect(messageOf(one)).toBe(messageOf(first ?? one))
    }
    const { pageRange = [] } = await pageBlob(sas).getPageRanges()
    expect(pageRange).toEqual([])
  })

  it('a disk of another region is no source, and a read SAS writes nothing', async () => {
    const { sas } = await begin()
    const abroad = await arm.grant('abroad', 'Read')
    const answer = await tell(sas, abroad, { runs: [{ offset: 0, length: chunk, from: 0 }] })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidInput' })
    expect(answer.text).toContain('another region')
    expect(await tell(abroad, abroad, whole)).toMatchObject({
      status: 403,
      code: 'AuthorizationPermissionMismatch',
    })
    expect((await fetch(`${sas}&comp=digests`)).status).toBe(400)
  })
})
