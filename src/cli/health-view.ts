import { isArray, objectOr } from '../client/client.ts'
import type { JsonObject } from '../domain/rows.ts'
import { at, type Column } from './table.ts'
import { formatBytes, formatWhen } from './units.ts'

/** A region of a version, or a space: what both say of their packs. */
const sums: readonly Column[] = [
  ['Packs', 'packs'],
  ['Stored', (row) => formatBytes(Number(at(row, 'bytes') ?? 0))],
  ['Last verified', (row) => timeAt(row, 'lastVerified') || (row.packs === 0 ? '' : 'not yet')],
  ['Damage', damageOf],
]

export const healthColumns: readonly Column[] = [
  ['Region', 'displayName'],
  ['State', 'state'],
  ['Replicas', 'replicas'],
  ...sums,
  ['Lost', lostOf],
]

export const spaceColumns: readonly Column[] = [
  ['Space', (row) => textAt(row, 'space')],
  ['State', (row) => textAt(row, 'state')],
  ...sums.map(([title, cell]): Column => [title, (row) => cellOf(cell, propertiesOf(row))]),
  ['Place', (row) => textAt(row, 'place')],
  ['Why', (row) => textAt(row, 'why')],
]

function cellOf(cell: Column[1], row: JsonObject): string {
  return typeof cell === 'function' ? cell(row) : String(at(row, cell) ?? '')
}

/** Also of a row whose properties lie at the top, as answers are shown. */
function propertiesOf(row: JsonObject): JsonObject {
  return row.properties === undefined ? row : objectOr(row.properties)
}

function textAt(row: JsonObject, name: string): string {
  return String(propertiesOf(row)[name] ?? '')
}

function timeAt(row: JsonObject, path: string): string {
  return formatWhen(at(row, path))
}

/** `none`, or `3 found, 2 mended, 1 left`. */
function damageOf(row: JsonObject): string {
  const { found, repaired, left } = objectOr(at(row, 'damage'))
  return Number(found) === 0 ? 'none' : `${found} found, ${repaired} mended, ${left} left`
}

/** `chunk at 65536 of the OS disk`, and how many more. */
function lostOf(row: JsonObject): string {
  const lost = at(row, 'lost')
  const all = isArray(lost) ? lost.map((one) => objectOr(one)) : []
  const [first] = all
  if (!first) return ''
  const disk = typeof first.lun === 'number' ? `data disk ${first.lun}` : 'the OS disk'
  const more = all.length > 1 ? `, and ${all.length - 1} more` : ''
  return `${first.part} at ${first.offsetBytes} of ${disk} in ${first.space}${more}`
}
