import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { startVitrine } from './child-server.ts'
import { type DiskCalls, openDiskCalls } from './disk-calls.ts'
import { formatSpread } from './figures.ts'
import { run, settle } from './programs.ts'

/** A figure beside the targets: what `image-version create --from` saves of the next version. */
export const uploadNext: Group = {
  targets: [4],
  name: 'v2 after v1 over HTTPS, only what is missing',
  async run(bench: Bench) {
    const [before, file] = [bench.images.v1(), bench.images.v2()]
    const folder = join(bench.folder, 'upload-next')
    await mkdir(folder)
    const server = await startVitrine(folder, {})
    const calls = await openDiskCalls(folder)
    const sent: number[] = []
    let disks = 0
    try {
      await calls.makeGroup()
      await sendPlainly(calls, 'before', before)
      const paired = await takePairs(
        bench.pairs,
        async () => {
          const name = `negotiated${disks++}`
          settle(folder)
          const seconds = await secondsOf(async () => {
            sent.push(await calls.uploadMissing(name, file, 'before'))
            await calls.endAccess(name)
          })
          const out = join(folder, 'out.raw')
          await calls.download(name, await calls.access(name, 'Read'), out)
          run('cmp', [out, file])
          await rm(out)
          return seconds
        },
        async () => {
          settle(folder)
          return await secondsOf(() => sendPlainly(calls, `plain${disks++}`, file))
        },
      )
      bench.say({
        target: undefined,
        what: 'negotiated upload of v2 after v1 over a plain one',
        values: ratios(paired),
        unit: 'x',
        detail: `${formatSpread(paired.ours, 's')} over ${formatSpread(paired.theirs, 's')}, to the end of the intake; ${((sent[0] ?? 0) / 2 ** 20).toFixed(1)} MiB sent`,
      })
    } finally {
      calls.close()
      await server.stop()
      await rm(folder, { recursive: true })
    }
  },
}

async function sendPlainly(calls: DiskCalls, name: string, file: string): Promise<void> {
  await calls.upload(name, await calls.beginUpload(name, file), file)
  await calls.endAccess(name)
}
