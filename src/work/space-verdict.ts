import type { SpaceRow, SpaceSeen, SpaceState } from '../domain/health.ts'

export type Verdict = { readonly state: SpaceState; readonly why: string | undefined }

/**
 * What became of a space, by what is recorded of it and what is at its place now. `gone` and `bare`, which are mended by
 * themselves, it is only at the place and on the mount where it was last seen: anywhere else a disk is not mounted, or a
 * setting is wrong, and an empty folder says nothing.
 */
export function verdictOf(row: SpaceRow, seen: SpaceSeen): Verdict {
  if (seen.is === 'store') return storeVerdict(row, seen)
  if (row.storeId === undefined || row.place === undefined) {
    return { state: 'unseen', why: `nothing of the space was ever seen at ${seen.place}` }
  }
  if (row.place !== seen.place) {
    const why = `its store was last seen at ${row.place}, and the setting spaces says ${seen.place}`
    return { state: 'away', why }
  }
  if (row.mount !== seen.mount) {
    const why = `it lay on the mount ${row.mount}, and ${seen.place} lies on ${seen.mount}: its disk is not mounted`
    return { state: 'away', why }
  }
  if (seen.is === 'other') {
    return { state: 'other', why: `${seen.place} has other files, and no store.json` }
  }
  if (seen.is === 'bare') {
    return { state: 'bare', why: `${seen.place} has packs or roots, and no store.json` }
  }
  return { state: 'gone', why: `there is nothing at ${seen.place}, which is where it was` }
}

function storeVerdict(row: SpaceRow, seen: SpaceSeen): Verdict {
  if (!seen.isOurs) {
    const why = `${seen.place} has the store of another space or installation`
    return { state: 'other', why }
  }
  if (row.storeId === undefined || row.state === 'unseen')
    return { state: 'unseen', why: undefined }
  if (row.storeId === seen.storeId) return { state: 'here', why: undefined }
  const why = `${seen.place} has another store of the space than the one that belongs to it`
  return { state: 'other', why }
}
