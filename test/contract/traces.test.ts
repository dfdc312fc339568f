import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { World } from '../../src/base/world.ts'
import { openWorld } from '../../src/world.ts'
import { definition, gallery, group, makeDefinition, uploadDisk } from '../support/main-job.ts'
import { diskOf } from '../support/test-disks.ts'
import { openTestInstallation } from '../support/test-installation.ts'

const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
})
const Export = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(Span) })) })),
})

/** What takes spans by OTLP over HTTP. */
async function openCollector() {
  const spans: z.infer<typeof Span>[] = []
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { resourceSpans } = Export.parse(body)
      spans.push(
        ...resourceSpans.flatMap((each) => each.scopeSpans.flatMap((scope) => scope.spans)),
      )
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}/v1/traces`, spans, close }
}

const traceOf = (letter: string) => letter.repeat(32)
const client = '00f067aa0ba902b7'

it('a client’s trace goes through request, access, plan and commit, and on in the work of every region', async () => {
  const collector = await openCollector()
  const installation = await openTestInstallation({
    config: { tracing: { url: collector.url, ratio: 0 } },
  })
  await makeDefinition(installation)
  const source = await uploadDisk(installation, 'source', diskOf([1, 2]))
  const versions = `/subscriptions/${installation.subscription}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}/versions`
  const url = `${versions}/1.0.0?api-version=2023-07-03`
  const body = {
    location: 'westeurope',
    properties: {
      storageProfile: { osDiskImage: { source: { id: source } } },
      publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
    },
  }
  const traceparent = `00-${traceOf('a')}-${client}-01`
  expect((await installation.call('PUT', url, body, { traceparent })).status).toBe(201)
  await expect
    .poll(
      async () => {
        const read = await installation.compute.galleryImageVersions.get(
          group,
          gallery,
          definition,
          '1.0.0',
        )
        return read.provisioningState
      },
      { timeout: 50_000 },
    )
    .toBe('Succeeded')
  await installation.call('GET', url, undefined, { traceparent: `00-${traceOf('b')}-${client}-00` })
  await installation.close()
  collector.close()

  const { spans } = collector
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([traceOf('a')]))
  const named = (name: string) => spans.filter((span) => span.name === name)
  const [request] = named('PUT galleries/images/versions')
  expect(request).toMatchObject({ parentSpanId: client })
  for (const name of ['access', 'plan', 'commit', 'Publish place']) {
    expect(named(name)).toEqual([expect.objectContaining({ parentSpanId: request?.spanId })])
  }
  for (const step of ['plan', 'copy', 'retire']) {
    const both = named(`ConvergeRegion ${step}`)
    expect(both.map(({ parentSpanId }) => parentSpanId)).toEqual([request?.spanId, request?.spanId])
  }
  const lastsNs = (name: string) => {
    const [span] = named(name)
    return BigInt(span?.endTimeUnixNano ?? 0) - BigInt(span?.startTimeUnixNano ?? 0)
  }
  expect(lastsNs('plan')).toBeGreaterThan(0n)
})

it('a collector that is away holds up nothing, and is told in the log', async () => {
  const events: string[] = []
  const world: World = { ...openWorld('error'), log: ({ event }) => void events.push(event) }
  const url = 'http://127.0.0.1:9/v1/traces'
  const installation = await openTestInstallation({ config: { tracing: { url } }, world })
  await makeDefinition(installation)
  await installation.close()
  expect(events).toContain('traces-not-sent')
})
