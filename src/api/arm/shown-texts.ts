import { openYoungAndOld } from '../../base/young-and-old.ts'
import type { ResourceRow, RowStamp } from '../../domain/rows.ts'
import { etagOf } from '../../providers/preconditions.ts'
import { type Presented, present } from './present.ts'

/** Of all texts together; an image version's has about 1,200. */
const charsMax = 32 * 1024 * 1024

/** A resource as JSON, as a plain GET and a list show it. */
export type ShownText = { readonly key: string; readonly etag: string; readonly text: string }

/**
 * What rows look like, kept from one request to the next: rendering one costs more than all else of a GET. Nothing can be
 * stale: each is found by the stamp of its row, which was just read, and which every write changes.
 */
export function openShownTexts() {
  const held = openYoungAndOld<string, ShownText>(charsMax, ({ text }) => text.length)

  function find(apiVersion: string, { key, stamp }: RowStamp): ShownText | undefined {
    const known = held.get(`${apiVersion} ${stamp}`)
    // Two rows with one stamp are as good as impossible, but showing one for the other must be so altogether.
    return known?.key === key ? known : undefined
  }

  /** `row` is at least as new as its `stamp`; without one it was not there just before. */
  function add(how: Presented, stamp: RowStamp | undefined, row: ResourceRow): ShownText {
    const text = JSON.stringify(present({ row, replicas: [] }, how))
    const shown = { key: row.key, etag: etagOf(row), text }
    if (stamp) held.set(`${how.apiVersion} ${stamp.stamp}`, shown)
    return shown
  }

  return { find, add }
}
