/** What a ratio is to be. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number }

/** One line of the table: a target, or with `target: undefined` a figure that explains one. */
export type Figure = {
  readonly target: number | undefined
  readonly what: string
  /** One a pair. */
  readonly values: readonly number[]
  /** Behind each value: `x` for a ratio. */
  readonly unit: string
  readonly must?: Goal
  readonly moonshot?: Goal
  /** The absolute figures that the ratio was made from, and what a reader must know. */
  readonly detail: string
}

/** What could not be measured here, and why. */
export type Missing = { readonly target: number; readonly what: string; readonly why: string }

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** `2.84 [2.61–3.10] s`, three digits that count. */
export function formatSpread(values: readonly number[], unit: string): string {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const middle = `${digits(median(values))}`
  const between = values.length > 1 ? ` [${digits(least)}–${digits(most)}]` : ''
  return `${middle}${between}${unit === 'x' ? 'x' : ` ${unit}`}`
}

function digits(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

export function formatFigure(figure: Figure): string {
  const { target, what, values, unit, must, moonshot, detail } = figure
  const goals = [
    ...(must ? [`must ${verdict(median(values), must)}`] : []),
    ...(moonshot ? [`moonshot ${verdict(median(values), moonshot)}`] : []),
  ]
  const head = `${String(target ?? '').padStart(2)}  ${what}: ${formatSpread(values, unit)}, n=${values.length}`
  return [head, ...(goals.length > 0 ? [goals.join('; ')] : []), detail].join('\n      ')
}

/** `≤ 4 reached`, or by which factor it is missed. */
function verdict(value: number, goal: Goal): string {
  if ('atMost' in goal) {
    const said = `≤ ${digits(goal.atMost)}`
    if (value <= goal.atMost) return `${said} reached`
    return `${said} MISSED by ${digits(value / goal.atMost)}x`
  }
  const said = `≥ ${digits(goal.atLeast)}`
  if (value >= goal.atLeast) return `${said} reached`
  return `${said} MISSED by ${digits(goal.atLeast / value)}x`
}

export function formatMissing({ target, what, why }: Missing): string {
  return `${String(target).padStart(2)}  ${what}: not measured, ${why}`
}
