import { z } from 'zod'
import { invariant } from '../base/assert.ts'
import { StartError } from '../base/start-error.ts'

/** Who a store belongs to, as its `store.json` says. */
export type StoreOwner = {
  readonly installation: string
  readonly space: string
  /** Tells this store of the space from those that were there before. Left out: the one that it has. */
  readonly id?: string | undefined
}

/** What was found at the place of a store. */
export type StoreSeen = {
  /**
   * - `store`: a `store.json`; `owner` undefined: it is none of format 1.
   * - `empty`: nothing, or no such folder.
   * - `bare`: blobs as a store has them, without a `store.json`.
   * - `other`: other files.
   */
  readonly is: 'store' | 'empty' | 'bare' | 'other'
  readonly owner?: StoreOwner | undefined
  /** The mount on which the folder lies, or would lie. */
  readonly mount?: string | undefined
}

/** The place has the `store.json` of another installation, or of another space of this one. */
export class StoreForeign extends StartError {
  override readonly name = 'StoreForeign'
}

/** What `store.json` says of its owner. `present`: what it says now. */
export function storeFileOf(owner: StoreOwner, present?: string): string {
  const { installation, space } = owner
  const id = owner.id ?? (present === undefined ? undefined : readStoreFile(present)?.id)
  const file = { format: 1, installation, space, ...(id !== undefined && { id }) }
  return `${JSON.stringify(file, undefined, 2)}\n`
}

/** Undefined for what is no store file of format 1. */
export function readStoreFile(text: string): StoreOwner | undefined {
  try {
    const read = StoreFile.safeParse(JSON.parse(text))
    return read.success ? read.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const StoreFile = z.object({
  format: z.literal(1),
  installation: z.string(),
  space: z.string(),
  id: z.string().optional(),
})

/** Throws StoreForeign unless `text`, read at `path`, says that the store is the owner's. */
export function checkOwner(path: string, text: string, owner: StoreOwner): void {
  const read = readStoreFile(text)
  if (!read) {
    throw new StoreForeign(`${path} is not a store file of format 1; the place is left alone.`)
  }
  const { installation, space } = read
  if (installation === owner.installation && space === owner.space) return
  throw new StoreForeign(
    `${path} says that this place is space '${space}' of installation '${installation}', not space '${owner.space}' of '${owner.installation}'; give each space a place of its own.`,
  )
}

/** Keys are ours: relative, lower case, below one of three names, no way out. */
export function checkKey(key: string): void {
  invariant(/^(packs|roots|uploads)(\/[a-z0-9][a-z0-9._-]*)+$/.test(key), `a blob key: ${key}`)
}
