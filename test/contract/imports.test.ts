import { randomFillSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { openHeardWorld } from '../support/heard-world.ts'
import { type Asked, startSourceServer } from '../support/source-server.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024

describe('disks of files of other hosts', () => {
  const file = randomFillSync(Buffer.alloc(9 * mib))
  const { world, logged } = openHeardWorld()
  let behave: (asked: Asked) => void = ({ serve }) => serve()
  let source: Awaited<ReturnType<typeof startSourceServer>>
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    source = await startSourceServer({ bytes: file }, (asked) => behave(asked))
    vitrine = await openTestInstallation({
      world,
      config: { imports: { hosts: [source.origin], bytesMax: 16 * mib } },
    })
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
  })
  afterAll(async () => {
    await vitrine.close()
    await source.close()
  })

  const importOf = (sourceUri: string): JsonObject => ({
    location: 'westeurope',
    properties: { creationData: { createOption: 'Import', sourceUri } },
  })
  const rowOf = async (path: string) =>
    JSON.stringify(
      await vitrine.installation.store.read.resources.get(arm.idOf(path).toLowerCase()),
    )

  it('forget the signature of the URL once the file is here, and take it again for the same', async () => {
    const body = importOf(`${source.origin}/disk.raw?sig=topsecret`)
    const made = await arm.make('disks/signed', body)
    expect(Buffer.compare(await arm.download('signed'), file)).toBe(0)
    expect(JSON.stringify(made)).not.toContain('topsecret')
    expect(await rowOf('disks/signed')).not.toContain('topsecret')
    const etag = (await arm.get('disks/signed')).headers.get('etag')
    const fetched = source.requests.length
    for (const sent of [body, importOf(`${source.origin}/disk.raw?sig=another`), made]) {
      const again = await arm.put('disks/signed', sent)
      expect([again.status, again.headers.get('etag')]).toEqual([202, etag])
    }
    const other = await arm.put('disks/signed', importOf(`${source.origin}/other.raw`))
    expect(other.status).toBe(409)
    expect(source.requests.length).toBe(fetched)
  })

  it('that could not be fetched are with the signature that is sent then', async () => {
    behave = ({ path, response, serve }) => {
      if (path.includes('sig=fresh')) serve()
      else response.writeHead(403).end()
    }
    const asked = await arm.put('disks/late', importOf(`${source.origin}/disk.raw?sig=staleone`))
    const failed = await arm.ended(asked)
    expect(failed).toMatchObject({ status: 'Failed', error: { code: 'InvalidParameter' } })
    expect(JSON.stringify(failed)).toContain('has not run out')
    expect(JSON.stringify(failed)).not.toContain('staleone')
    expect(await rowOf('disks/late')).not.toContain('staleone')
    const again = await arm.put('disks/late', importOf(`${source.origin}/disk.raw?sig=fresh`))
    expect(await arm.ended(again)).toMatchObject({ status: 'Succeeded' })
    expect(Buffer.compare(await arm.download('late'), file)).toBe(0)
    behave = ({ serve }) => serve()
  })

  it('of a file that changed are made of what it is by then, when they are asked for again', async () => {
    let count = 0
    behave = ({ serve }) => {
      if (++count === 3) randomFillSync(file, 0, 100)
      serve()
    }
    const body = importOf(`${source.origin}/changing.raw`)
    const failed = await arm.ended(await arm.put('disks/changed', body))
    expect(JSON.stringify(failed)).toContain('changed while it was fetched')
    const again = await arm.put('disks/changed', body)
    expect(await arm.ended(again)).toMatchObject({ status: 'Succeeded' })
    expect(Buffer.compare(await arm.download('changed'), file)).toBe(0)
    behave = ({ serve }) => serve()
  })

  it('hold up nothing else of their region while their host is silent, and end when they are deleted', async () => {
    behave = () => undefined
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(
      (name) => `disks/silent-${name}`,
    )
    for (const name of names) await arm.put(name, importOf(`${source.origin}/${name}`))
    await arm.upload('beside', file.subarray(0, mib))
    expect(Buffer.compare(await arm.download('beside'), file.subarray(0, mib))).toBe(0)
    for (const name of names) await arm.remove(name)
    behave = ({ serve }) => serve()
    await arm.make('disks/afterwards', importOf(`${source.origin}/afterwards`))
  })

  it('of another host, or too large, are refused with the name of the setting', async () => {
    const elsewhere = await arm.put('disks/no', importOf('http://127.0.0.1:9/disk.raw?sig=x'))
    expect(elsewhere.status).toBe(400)
    expect(String(errorOf(elsewhere).message)).toMatch(/imports\.hosts/)
    behave = ({ response }) =>
      void response.writeHead(206, { 'content-range': 'bytes 0-0/17179869184' }).end('x')
    const large = await arm.ended(await arm.put('disks/large', importOf(`${source.origin}/large`)))
    expect(JSON.stringify(large)).toContain('imports.bytesMax')
    behave = ({ serve }) => serve()
  })

  it('never have the query of their URL in the log', () => {
    expect(logged.length).toBeGreaterThan(0)
    expect(JSON.stringify(logged)).not.toMatch(/topsecret|staleone|sig=/)
  })
})
