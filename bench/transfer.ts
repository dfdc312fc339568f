import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bench, type Group, secondsOf } from './bench.ts'
import { startVitrine } from './child-server.ts'
import { openDiskCalls } from './disk-calls.ts'
import { run, settle } from './programs.ts'

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
  const calls = await openDiskCalls(folder)
  const out = join(folder, 'out.raw')
  try {
    await calls.makeGroup()
    let dataBytes = 0
    const upSas = await calls.beginUpload(name, file)
    const upSeconds = await secondsOf(async () => {
      dataBytes = await calls.upload(name, upSas, file)
    })
    const inSeconds = await secondsOf(() => calls.endAccess(name))
    const downSas = await calls.access(name, 'Read')
    const downSeconds = await secondsOf(() => calls.download(name, downSas, out))
    run('cmp', [out, file])
    return { dataBytes, upSeconds, inSeconds, downSeconds }
  } finally {
    calls.close()
    await rm(out, { force: true })
  }
}
