import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingHttpHeaders } from 'node:http'
import type { Context, Span } from '@opentelemetry/api'
import { withDeadline } from '../base/deadline.ts'
import type { World } from '../base/world.ts'
import type { WorkRow } from '../domain/rows.ts'

type TracingOptions = {
  /** Where spans are sent by OTLP over HTTP, e.g. `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string
  /** The part of requests that is traced when their client does not say, 0 to 1. */
  readonly ratio: number
  readonly release: string
  readonly world: Pick<World, 'log'>
}

/** What a collector may take: nobody waits longer for it, also not at the end. */
const sendMs = 3_000

/** What is known of the request or the step of work that runs now. */
type Here = {
  readonly context: Context
  /** Since when the request is being planned: its caller was found, or its last commit ended. Epoch milliseconds. */
  planSinceMs: number
}

type RequestSpan = {
  /** Runs the request: what it awaits belongs to its span. */
  run(act: () => void): void
  end(status: string): void
}

export type Tracing = {
  request(
    headers: IncomingHttpHeaders,
    name: { readonly method: string; readonly route: string },
  ): RequestSpan
  /** Finds out who asks. */
  access<Result>(act: () => Promise<Result>): Promise<Result>
  /** Commits, in a span of its own behind the one of the plan; `act` is given the traceparent for work. */
  commit<Result>(act: (traceparent: string | undefined) => Promise<Result>): Promise<Result>
  /** A step of work, in the trace of the request that asked for it, as long as that is known. */
  work<Result>(name: string, row: WorkRow, act: () => Promise<Result>): Promise<Result>
  /** Sends what is left. */
  close(): Promise<void>
}

/**
 * Spans by OpenTelemetry. The libraries are loaded here, and only here: who does not trace does not pay. Credentials for
 * the collector come from OTEL_EXPORTER_OTLP_HEADERS, which the exporter reads itself.
 */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const libraries = await loadLibraries(options)
  const { tracer, propagator, api } = libraries
  const here = new AsyncLocalStorage<Here>()
  const spans = { ...libraries, here }

  const request: Tracing['request'] = (headers, { method, route }) => {
    const parent = propagator.extract(api.ROOT_CONTEXT, headers, api.defaultTextMapGetter)
    const attributes = { 'http.request.method': method, 'http.route': route }
    const kind = api.SpanKind.SERVER
    const span = tracer.startSpan(`${method} ${route}`, { kind, attributes }, parent)
    const at = { context: api.trace.setSpan(parent, span), planSinceMs: epochMs() }
    const end = (status: string) => {
      if (/^\d+$/.test(status)) span.setAttribute('http.response.status_code', Number(status))
      if (!/^[1-4]/.test(status)) fail(spans, span, status)
      span.end()
    }
    return { run: (act) => here.run(at, act), end }
  }

  const access: Tracing['access'] = async (act) => {
    const at = here.getStore()
    return at ? await inside(spans, at, { name: 'access', act }) : await act()
  }

  const commit: Tracing['commit'] = async (act) => {
    const at = here.getStore()
    if (!at) return await act(undefined)
    tracer.startSpan('plan', { startTime: at.planSinceMs }, at.context).end(epochMs())
    const carrier: { traceparent?: string } = {}
    propagator.inject(at.context, carrier, api.defaultTextMapSetter)
    return await inside(spans, at, { name: 'commit', act: () => act(carrier.traceparent) })
  }

  const work: Tracing['work'] = (name, row, act) => {
    const carrier = { traceparent: row.trace }
    const parent = propagator.extract(api.ROOT_CONTEXT, carrier, api.defaultTextMapGetter)
    const attributes = {
      'vitrine.work': row.id,
      'vitrine.queue': row.queue,
      'vitrine.attempts': row.attempts,
      'vitrine.correlation_id': row.correlationId,
    }
    const span = tracer.startSpan(name, { kind: api.SpanKind.CONSUMER, attributes }, parent)
    return within(spans, { span, parent, act })
  }

  return { request, access, commit, work, close: libraries.close }
}

type Libraries = Awaited<ReturnType<typeof loadLibraries>>
type Spans = Libraries & { readonly here: AsyncLocalStorage<Here> }

/** A child of the span that runs; what comes behind it is planning. */
async function inside<Result>(
  spans: Spans,
  at: Here,
  { name, act }: { readonly name: string; readonly act: () => Promise<Result> },
): Promise<Result> {
  const span = spans.tracer.startSpan(name, {}, at.context)
  try {
    return await within(spans, { span, parent: at.context, act })
  } finally {
    at.planSinceMs = epochMs()
  }
}

async function within<Result>(
  spans: Spans,
  {
    span,
    parent,
    act,
  }: { readonly span: Span; readonly parent: Context; readonly act: () => Promise<Result> },
): Promise<Result> {
  try {
    const context = spans.api.trace.setSpan(parent, span)
    return await spans.here.run({ context, planSinceMs: epochMs() }, act)
  } catch (error) {
    // Only its kind: what errors say is for the log.
    fail(spans, span, error instanceof Error ? error.name : 'thrown')
    throw error
  } finally {
    span.end()
  }
}

function fail({ api }: Spans, span: Span, message: string): void {
  span.setStatus({ code: api.SpanStatusCode.ERROR, message })
}

async function loadLibraries({ url, ratio, release, world }: TracingOptions) {
  const [api, core, resources, sdk, exporter] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const tell = (error: string) => world.log({ level: 'warn', event: 'traces-not-sent', error })
  const quiet = () => undefined
  const logger = { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet }
  api.diag.setLogger(logger, api.DiagLogLevel.WARN)
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes({
      'service.name': 'vitrine',
      'service.version': release,
    }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new exporter.OTLPTraceExporter({ url, timeoutMillis: sendMs }),
      }),
    ],
  })
  const tracer = provider.getTracer('vitrine', release)
  const propagator = new core.W3CTraceContextPropagator()
  const close = async () => {
    const sent = provider.shutdown().catch((error: unknown) => tell(String(error)))
    await withDeadline(sent, sendMs, () => tell('the collector did not answer in time'))
  }
  return { tracer, propagator, api, close }
}

function epochMs(): number {
  return performance.timeOrigin + performance.now()
}
