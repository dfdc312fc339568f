import { randomFillSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { limits } from '../../src/domain/limits.ts'
import { openArm } from '../support/arm.ts'
import { freePort } from '../support/free-port.ts'
import { databaseOf } from '../support/postgres-database.ts'
import { startServer } from '../support/server-process.ts'
import { type Asked, startSourceServer } from '../support/source-server.ts'

const mib = 1024 * 1024
const pieceBytes = limits.putPageBytesMax

it('an import that is killed goes on with what is missing, and ends bit by bit', async () => {
  const file = randomFillSync(Buffer.alloc(64 * mib))
  const served: number[] = []
  const hung = Promise.withResolvers<void>()
  let behave = ({ range, serve }: Asked): void => {
    if (range) served.push(range.from)
    if (served.length <= 9) serve()
    else hung.resolve()
  }
  const source = await startSourceServer({ bytes: file }, (asked) => behave(asked))
  onTestFinished(source.close)
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-import-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  const configFile = join(folder, 'vitrine.json')
  const database = inject('database') === 'postgres' ? { url: await databaseOf(data) } : undefined
  const config = { lanes: 1, imports: { hosts: [source.origin] }, ...(database && { database }) }
  await writeFile(configFile, JSON.stringify(config))
  const port = await freePort()
  const first = await startServer(data, { port, configFile })
  const arm = openArm(await first.clients())
  await arm.put(arm.groupPath, { location: 'westeurope' })
  const asked = await arm.put('disks/big', {
    location: 'westeurope',
    properties: { creationData: { createOption: 'Import', sourceUri: `${source.origin}/big.raw` } },
  })
  await hung.promise
  await first.kill()
  // One request looks at the first byte; a piece is asked for when one of the four before it is durable.
  const durable = served.length - 1 - limits.importRequestsAtOnce
  const before = source.requests.length
  behave = ({ serve }) => serve()
  const second = await startServer(data, { port, configFile })
  onTestFinished(async () => void (await second.stop()))
  const again = openArm(await second.clients())
  expect(await again.ended(asked)).toMatchObject({ status: 'Succeeded' })
  expect(Buffer.compare(await again.download('big'), file)).toBe(0)
  const rest = source.requests.slice(before).length
  expect(rest).toBeLessThanOrEqual(file.length / pieceBytes - durable)
  expect(rest).toBeGreaterThan(0)
})
