import type { World } from '../../base/world.ts'
import { type Terminal, toned } from '../terminal.ts'

/** A job told to a person, step by step. */
export type Story = {
  title(text: string): void
  step(text: string): void
  say(text: string): void
  good(text: string): void
  /** Cells in columns. */
  table(rows: readonly (readonly string[])[]): void
  /** Says how long it all took. */
  end(): void
}

export function openStory(terminal: Terminal, world: Pick<World, 'now'>): Story {
  const startMs = world.now().getTime()
  let steps = 0
  const line = (text: string) => terminal.write(`${text}\n`)
  const elapsed = () => `${((world.now().getTime() - startMs) / 1000).toFixed(1)} s`

  return {
    title: (text) => line(`\n${toned(terminal, 'bold', text)}`),
    step: (text) => {
      steps++
      const head = toned(terminal, 'bold', `${steps}  ${text}`)
      line(`\n${head}  ${toned(terminal, 'dim', `+${elapsed()}`)}`)
    },
    say: (text) => line(`  ${text}`),
    good: (text) => line(`${toned(terminal, 'green', '✓')} ${toned(terminal, 'bold', text)}`),
    table: (rows) => {
      for (const text of aligned(rows)) line(`  ${text}`)
    },
    end: () => line(`\nDone in ${elapsed()}.`),
  }
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = Math.max(...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? '').length)),
  )
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
