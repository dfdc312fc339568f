import type { World } from '../base/world.ts'
import { type Terminal, toned } from './terminal.ts'
import { formatBytes, formatEta, formatRate } from './units.ts'

export type ProgressRow = {
  readonly label: string
  readonly state: 'waiting' | 'running' | 'done' | 'failed'
  readonly bytesDone: number
  readonly bytesTotal: number
  readonly bytesPerSecond: number
  readonly etaSeconds: number | undefined
  /** A word or two on what is going on, or why it failed. */
  readonly note: string
}

/**
 * Rows of progress: drawn over in place where a person looks, else a plain line when a row changes its state and now and
 * then in between. `end` leaves the last state standing.
 */
export type Progress = { show(rows: readonly ProgressRow[]): void; end(): void }

/** Plain lines of a running row come this far apart. */
const plainEveryMs = 5_000
const barWidth = 24
const labelWidth = 24

export function openProgress(terminal: Terminal, world: Pick<World, 'now'>): Progress {
  return terminal.isTerminal ? openDrawn(terminal) : openPlain(terminal, world)
}

function openDrawn(terminal: Terminal): Progress {
  let drawn = 0

  function show(rows: readonly ProgressRow[]): void {
    const lines = rows.map((row) => `\u001b[2K${renderRow(row, terminal)}\n`)
    terminal.write(`${drawn > 0 ? `\u001b[${drawn}A` : ''}${lines.join('')}`)
    drawn = Math.max(drawn, rows.length)
  }

  function end(): void {
    drawn = 0
  }

  return { show, end }
}

function openPlain(terminal: Terminal, world: Pick<World, 'now'>): Progress {
  const last = new Map<string, { state: string; atMs: number }>()

  function show(rows: readonly ProgressRow[]): void {
    const atMs = world.now().getTime()
    for (const row of rows) {
      const before = last.get(row.label)
      const due = row.state === 'running' && atMs - (before?.atMs ?? 0) >= plainEveryMs
      if (before?.state === row.state && !due) continue
      last.set(row.label, { state: row.state, atMs })
      terminal.write(`${renderRow(row, terminal).trimEnd()}\n`)
    }
  }

  return { show, end: () => last.clear() }
}

/** One line: label, bar, share, bytes, rate, time left, note; shortened to the width of the terminal. */
export function renderRow(row: ProgressRow, terminal: Terminal): string {
  const label = row.label.padEnd(labelWidth)
  const share = shareOf(row)
  const percent = `${Math.floor(share * 100)}`.padStart(3)
  const bytes =
    row.bytesTotal > 0 ? `${formatBytes(row.bytesDone)} of ${formatBytes(row.bytesTotal)}` : ''
  const speed =
    row.state === 'running' && row.bytesPerSecond > 0
      ? `${formatRate(row.bytesPerSecond)}, ${formatEta(row.etaSeconds)} left`
      : ''
  const facts = [bytes.padEnd(22), speed, row.note].filter((part) => part.trim() !== '').join('  ')
  const plainWidth = 2 + label.length + 2 + barWidth + 1 + percent.length + 4
  const room = Math.max(0, terminal.columns() - plainWidth - 1)
  const shown = terminal.isTerminal && facts.length > room ? facts.slice(0, room) : facts
  return `${mark(row, terminal)} ${label}  ${bar(share, terminal)} ${percent} %  ${shown}`
}

/** Done is full even when there was nothing to move; anything else is never full. */
function shareOf(row: ProgressRow): number {
  if (row.state === 'done') return 1
  if (row.bytesTotal <= 0) return 0
  return Math.min(row.bytesDone / row.bytesTotal, 0.99)
}

function mark(row: ProgressRow, terminal: Terminal): string {
  if (row.state === 'done') return toned(terminal, 'green', '✓')
  if (row.state === 'failed') return toned(terminal, 'red', '✗')
  return row.state === 'running' ? toned(terminal, 'cyan', '›') : ' '
}

function bar(share: number, terminal: Terminal): string {
  const full = Math.round(share * barWidth)
  return `${toned(terminal, 'cyan', '━'.repeat(full))}${toned(terminal, 'dim', '─'.repeat(barWidth - full))}`
}
