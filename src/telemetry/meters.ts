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
  /** Everything counted so far, and `samples` in place of those that were told before, in Prometheus' text format. */
  render(samples: readonly Sample[]): Promise<string>
}

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE

/** The instruments of one process. */
export function openMeters(): Meters {
  const registry = new Registry()
  const opened = new Map<MetricName, Counter | Gauge>()

  function told(name: MetricName) {
    const { help, labels } = metricTable[name]
    return { name, help, labelNames: [...labels], registers: [registry] }
  }

  function histogram(name: keyof typeof bucketsSeconds): Histogram {
    return new Histogram({ ...told(name), buckets: [...bucketsSeconds[name]] })
  }

  function open(name: MetricName): Counter | Gauge {
    const known = opened.get(name)
    if (known) return known
    const fresh =
      metricTable[name].kind === 'counter' ? new Counter(told(name)) : new Gauge(told(name))
    opened.set(name, fresh)
    return fresh
  }

  const requests = histogram('vitrine_http_request_duration_seconds')
  const steps = histogram('vitrine_work_step_duration_seconds')
  const events = new Counter(told('vitrine_log_events_total'))
  const leases = new Counter(told('vitrine_work_leases_lost_total'))

  async function render(samples: readonly Sample[]): Promise<string> {
    // What is not told any more (a space that was emptied) is gone.
    for (const metric of opened.values()) metric.reset()
    for (const { name, labels = {}, value } of samples) open(name).inc(labels, value)
    return await registry.metrics()
  }

  return {
    request: (labels, seconds) => requests.observe(labels, seconds),
    step: (labels, seconds) => steps.observe(labels, seconds),
    leaseLost: () => leases.inc(),
    logged: ({ level, event }) => events.inc({ level, event }),
    render,
  }
}
