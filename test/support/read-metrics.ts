/** One value of a metric: its name, and its labels in their order. */
export type Metric = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const line = /^([a-z_]\w*)(?:\{(.*)\})? (NaN|[+-]Inf|-?[\d.]+(?:e[+-]?\d+)?)$/
const label = /^([a-z_]\w*)="((?:[^"\\]|\\[\\n"])*)"(?:,|$)/

/**
 * Parses Prometheus' text format as its documentation describes it. Throws for a line that is none, for a sample whose
 * metric was not declared before it, and for one that comes twice.
 */
export function readMetrics(text: string): readonly Metric[] {
  if (!text.endsWith('\n')) throw new Error('the last line ends too')
  const types = new Map<string, string>()
  const seen = new Set<string>()
  const found: Metric[] = []
  for (const each of text.split('\n')) {
    if (each === '' || each.startsWith('# HELP ')) continue
    const declared = /^# TYPE (\w+) (counter|gauge|histogram|summary)$/.exec(each)
    if (declared) {
      types.set(declared[1] ?? '', declared[2] ?? '')
      continue
    }
    const sample = line.exec(each)
    if (!sample) throw new Error(`no line of a scrape: ${each}`)
    const [, name = '', labels = '', value = ''] = sample
    if (!isDeclared(types, name)) throw new Error(`${name} has no TYPE`)
    if (seen.has(`${name}{${labels}}`)) throw new Error(`twice: ${each}`)
    seen.add(`${name}{${labels}}`)
    found.push({
      name,
      labels: readLabels(labels),
      value: Number(value.replace('Inf', 'Infinity')),
    })
  }
  return found
}

function isDeclared(types: ReadonlyMap<string, string>, name: string): boolean {
  if (types.has(name)) return true
  return types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram'
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== '') {
    const found = label.exec(rest)
    if (!found) throw new Error(`no labels: ${text}`)
    labels[found[1] ?? ''] = (found[2] ?? '').replace(/\\(.)/g, (_, sign) =>
      sign === 'n' ? '\n' : sign,
    )
    rest = rest.slice(found[0].length)
  }
  return labels
}

/** The sum of all samples with this name and these labels; undefined when there is none. */
export function sumOf(
  metrics: readonly Metric[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels)
  const fits = metrics.filter(
    (each) => each.name === name && wanted.every(([key, value]) => each.labels[key] === value),
  )
  if (fits.length === 0) return undefined
  return fits.reduce((sum, { value }) => sum + value, 0)
}
