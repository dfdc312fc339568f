import { isObject } from '../client/client.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { type Terminal, toned } from './terminal.ts'

/** A column: its title, and the dotted path of its cells or a function that makes them. */
export type Column = readonly [title: string, cell: string | ((row: JsonObject) => string)]

/** Lines of a table: titles, then a line a row, columns aligned, no trailing spaces. */
export function renderTable(
  rows: readonly JsonObject[],
  columns: readonly Column[],
  terminal: Pick<Terminal, 'hasColor'>,
): readonly string[] {
  const cells = rows.map((row) => columns.map((column) => cellOf(row, column)))
  const widths = columns.map(([title], index) =>
    Math.max(title.length, ...cells.map((row) => (row[index] ?? '').length)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  return [toned(terminal, 'bold', line(columns.map(([title]) => title))), ...cells.map(line)]
}

/** Lines of a table for programs: cells with a tab between, no titles. */
export function renderTsv(
  rows: readonly JsonObject[],
  columns: readonly Column[],
): readonly string[] {
  return rows.map((row) => columns.map((column) => cellOf(row, column)).join('\t'))
}

function cellOf(row: JsonObject, [, cell]: Column): string {
  const text = typeof cell === 'function' ? cell(row) : textOf(at(row, cell))
  return text.replace(/[\t\r\n]+/g, ' ')
}

/** The value under a dotted path; undefined when there is none. */
export function at(row: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = row
  for (const name of path.split('.')) {
    if (!isObject(value)) return undefined
    value = value[name]
  }
  return value
}

function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
