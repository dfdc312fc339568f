import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { apiVersions } from '../src/cli/paths.ts'
import { readOwner } from '../src/cli/profile.ts'
import { openSession } from '../src/cli/session.ts'
import { isObject } from '../src/client/client.ts'
import { downloadDisk } from '../src/client/download-disk.ts'
import { pageBytesOf, uploadDisk } from '../src/client/upload-disk.ts'
import { openWorld } from '../src/world.ts'
import { type Bench, type Group, secondsOf } from './bench.ts'
import { startVitrine } from './child-server.ts'
import { run, settle } from './programs.ts'

const { signal } = new AbortController()
const world = openWorld('error')

/** Figures beside the targets: what our own client moves in and out of a disk over TLS on loopback. */
export const transfer: Group = {
  targets: [2],
  name: 'upload and download over HTTPS',
  async run(bench: Bench) {
    const file = bench.images.v1()
    const folder = join(bench.folder, 'transfer')
    await mkdir(folder)
    const server = await startVitrine(folder, {})
    const rates = { up: [] as number[], in: [] as number[], down: [] as number[] }
    try {
      for (let round = 0; round < bench.pairs; round++) {
        const taken = await moveOnce({ folder, file, name: `disk-${round}` })
        rates.up.push(taken.dataBytes / taken.upSeconds / 2 ** 20)
        rates.in.push(taken.inSeconds)
        rates.down.push(taken.dataBytes / taken.downSeconds / 2 ** 20)
      }
    } finally {
      await server.stop()
      await rm(folder, { recursive: true })
    }
    const say = (what: string, values: readonly number[], unit: string, detail: string) =>
      bench.say({ target: undefined, what, values, unit, detail })
    say('upload of v1 over HTTPS', rates.up, 'MiB/s', 'data bytes; every page durable')
    say('its intake after the upload', rates.in, 's', 'from revoke to Succeeded; polled')
    say('download of v1 over HTTPS', rates.down, 'MiB/s', 'data bytes, into a synced file')
  },
}

type Move = { readonly folder: string; readonly file: string; readonly name: string }

async function moveOnce({ folder, file, name }: Move) {
  settle(folder)
  const session = await openSession(await readOwner(join(folder, 'owner.json')), world)
  const { client, paths } = session
  const out = join(folder, 'out.raw')
  const arm = { apiVersion: apiVersions.disks, signal }
  const path = paths.disk('bench', name)
  const location = 'westeurope'
  const done = async (method: 'PUT' | 'POST', at: string, body: object, apiVersion: string) => {
    const sent = { apiVersion, signal, body: JSON.parse(JSON.stringify(body)) }
    return await client.wait(await client.call(method, at, sent), { signal })
  }
  const access = async (kind: string): Promise<string> => {
    const given = await done(
      'POST',
      `${path}/beginGetAccess`,
      { access: kind, durationInSeconds: 3600 },
      arm.apiVersion,
    )
    return isObject(given) ? String(given.accessSAS) : ''
  }
  try {
    await done('PUT', paths.group('bench'), { location }, apiVersions.groups)
    const creationData = { createOption: 'Upload', uploadSizeBytes: pageBytesOf(fileBytes(file)) }
    await done('PUT', path, { location, properties: { creationData } }, arm.apiVersion)
    const common = { http: client.http, world, signal }
    let dataBytes = 0
    const upSas = await access('Write')
    const upSeconds = await secondsOf(async () => {
      const up = { ...common, file, sasUrl: upSas, blobId: name, journalFolder: folder }
      dataBytes = (await uploadDisk(up)).sentBytes
    })
    const inSeconds = await secondsOf(() =>
      done('POST', `${path}/endGetAccess`, {}, arm.apiVersion),
    )
    const downSas = await access('Read')
    const downSeconds = await secondsOf(() =>
      downloadDisk({ ...common, sasUrl: downSas, contentId: name, out, format: 'raw' }),
    )
    run('cmp', [out, file])
    return { dataBytes, upSeconds, inSeconds, downSeconds }
  } finally {
    client.close()
    await rm(out, { force: true })
  }
}

function fileBytes(file: string): number {
  return Number(run('stat', ['-c', '%s', file]))
}
