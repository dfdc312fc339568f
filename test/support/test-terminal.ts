import type { Terminal } from '../../src/cli/terminal.ts'

/** A terminal that keeps what is written. */
export function openTestTerminal(
  shape: { readonly isTerminal?: boolean; readonly columns?: number } = {},
): Terminal & { text(): string } {
  let written = ''
  return {
    write: (text) => {
      written += text
    },
    isTerminal: shape.isTerminal ?? false,
    hasColor: false,
    columns: () => shape.columns ?? 120,
    text: () => written,
  }
}
