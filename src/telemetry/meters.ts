import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { LogEvent } from '../base/world.ts'
import { type MetricName, metricTable, type Sample } from './metric-table.ts'

/** From a row read in memory to a step that copies a disk. */
const bucketsSeconds = {
  vitrine_http_request_duration_seconds: [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
  ],
  vitrine_work_step_duration_seconds: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300, 1_800, 7_200],
} as const

export type Meters = {
  request(labels: Record<'route' | 'method' | 'status', string>, seconds: number): void
  step(labels: Record<'kind' | 'step' | 'outcome', string>, seconds: number): void
  leaseLost(): void
  logged(event: Pick<LogEvent, 'level' | 'event'>): void
  /** Everything counted so far, and `samples`, in Prometheus' text format. */
  render(samples: readonly Sample[]): Promise<string>
}

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE

/** The instruments of one process. */
export function openMeters(): Meters {
  const registry = new Registry()

  function histogram(name: keyof typeof bucketsSeconds): Histogram {
    return new Histogram({ ...toldIn(registry, name), buckets: [...bucketsSeconds[name]] })
  }

  const requests = histogram('vitrine_http_request_duration_seconds')
  const steps = histogram('vitrine_work_step_duration_seconds')
  const events = new Counter(toldIn(registry, 'vitrine_log_events_total'))
  const leases = new Counter(toldIn(registry, 'vitrine_work_leases_lost_total'))

  async function render(samples: readonly Sample[]): Promise<string> {
    return `${await registry.metrics()}\n${await textOf(samples)}`
  }

  return {
    request: (labels, seconds) => requests.observe(labels, seconds),
    step: (labels, seconds) => steps.observe(labels, seconds),
    leaseLost: () => leases.inc(),
    logged: ({ level, event }) => events.inc({ level, event }),
    render,
  }
}

/** In a registry of their own: what is not told this time (the database is away, a space was emptied) is not there. */
async function textOf(samples: readonly Sample[]): Promise<string> {
  const registry = new Registry()
  const opened = new Map<MetricName, Counter | Gauge>()
  for (const { name, labels = {}, value } of samples) {
    const metric = opened.get(name) ?? open(registry, name)
    opened.set(name, metric)
    metric.inc(labels, value)
  }
  return await registry.metrics()
}

function open(registry: Registry, name: MetricName): Counter | Gauge {
  const told = toldIn(registry, name)
  return metricTable[name].kind === 'counter' ? new Counter(told) : new Gauge(told)
}

function toldIn(registry: Registry, name: MetricName) {
  const { help, labels } = metricTable[name]
  return { name, help, labelNames: [...labels], registers: [registry] }
}
