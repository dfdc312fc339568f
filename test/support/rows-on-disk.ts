import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

type Row = Readonly<Record<string, unknown>>

/** The tables of an installation as they lie on disk, past all rules: for what no method tells. */
export function openRowsOnDisk(folder: string) {
  const database = new DatabaseSync(join(folder, 'vitrine.db'), { readOnly: true })
  const all = (query: string): readonly Row[] => database.prepare(query).all()
  return { all, close: () => database.close() }
}

export type RowsOnDisk = ReturnType<typeof openRowsOnDisk>
