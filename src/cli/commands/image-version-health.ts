import { isArray, isObject, objectIn } from '../../client/client.ts'
import type { Json } from '../../domain/rows.ts'
import { type Context, command } from '../command.ts'
import { may, on } from '../flag.ts'
import { healthColumns } from '../health-view.ts'
import { versionNamed } from '../named-image.ts'
import { apiVersions } from '../paths.ts'
import { hintOperation } from '../resources.ts'
import { toned } from '../terminal.ts'
import { formatBytes } from '../units.ts'
import { versionPath } from '../version-path.ts'

const apiVersion = apiVersions.vitrine

export const healthCommand = command({
  name: 'health',
  says: 'Show whether the bytes of a version are sound, region by region.',
  more: 'Last verified is when the pack that was looked at longest ago was found to be what it should. Everything is looked at again and again; to have it done now: vitrine image-version verify. With --output json: each space, and what is lost where.',
  examples: ['vitrine image-version health Contoso:Debian:13:latest'],
  flags: { ...versionNamed },
  run: async (context, given) => {
    const session = await context.connect()
    const path = await versionPath(session, given, context.signal)
    return { value: await readHealth(context, path), columns: healthColumns }
  },
})

export const verifyCommand = command({
  name: 'verify',
  says: 'Have every byte of a version read and compared with its digests, and mended where it is bad.',
  more: 'As fast as the disks and other work allow; it goes on at the server whatever becomes of this command.',
  examples: [
    'vitrine image-version verify Contoso:Debian:13:1.0.0 --wait',
    'vitrine image-version verify -g images -r corpImages -i debian -e 1.0.0 --region eastus',
  ],
  flags: {
    ...versionNamed,
    region: may('--region <region>', 'Only there. Left out: wherever it lies.', {
      completes: 'region',
    }),
    wait: on('--wait', 'Wait until it is done, and show the health then.'),
  },
  run: async (context, given) => {
    const session = await context.connect()
    const { signal } = context
    const path = await versionPath(session, given, signal)
    const body = given.region === undefined ? {} : { region: given.region }
    const verify = `${path}/providers/Vitrine.Gallery/verify`
    const answer = await session.client.call('POST', verify, { apiVersion, body, signal })
    if (!given.wait) {
      hintOperation(context, answer.headers)
      return undefined
    }
    tellReading(context, await readHealth(context, path), given.region)
    await session.client.wait(answer, { signal })
    return { value: await readHealth(context, path), columns: healthColumns }
  },
})

/** `Reading 360 MiB in eastus, westeurope: every byte, so it takes a while.` */
function tellReading(context: Context, health: Json, region: string | undefined): void {
  const wanted = region?.replaceAll(' ', '').toLowerCase()
  const rows = (isArray(health) ? health : []).filter(isObject)
  const read = rows.filter((row) => wanted === undefined || row.region === wanted)
  const bytes = read.reduce((sum, row) => sum + Number(row.bytes), 0)
  const regions = read.map((row) => String(row.region)).join(', ')
  const text = `Reading ${formatBytes(bytes)} in ${regions}: every byte, so it takes a while.`
  context.err.write(`${toned(context.err, 'dim', text)}\n`)
}

async function readHealth(context: Context, versionPath: string): Promise<Json> {
  const { client } = await context.connect()
  const path = `${versionPath}/providers/Vitrine.Gallery/health`
  const answer = await client.call('GET', path, { apiVersion, signal: context.signal })
  const { value } = objectIn(answer)
  return isArray(value) ? value : []
}
