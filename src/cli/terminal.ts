/** A place where text goes; made by `main.ts` from a stream of the process. */
export type Terminal = {
  write(text: string): void
  /** A person looks at it: lines may be drawn over. */
  readonly isTerminal: boolean
  readonly hasColor: boolean
  columns(): number
}

type Tone = 'bold' | 'dim' | 'green' | 'red' | 'cyan'

const codes: Readonly<Record<Tone, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  cyan: [36, 39],
}

/** Wraps text in a tone where the terminal shows colours. */
export function toned(terminal: Pick<Terminal, 'hasColor'>, tone: Tone, text: string): string {
  const [start, end] = codes[tone]
  return terminal.hasColor && text !== '' ? `\u001b[${start}m${text}\u001b[${end}m` : text
}
