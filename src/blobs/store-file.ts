import { invariant } from '../base/assert.ts'
import { StartError } from '../base/start-error.ts'

/** Who a store belongs to, as its `store.json` says. */
export type StoreOwner = { readonly installation: string; readonly space: string }

/** The place has the `store.json` of another installation, or of another space of this one. */
export class StoreForeign extends StartError {
  override readonly name = 'StoreForeign'
}

/** What `store.json` says of its owner. */
export function storeFileOf({ installation, space }: StoreOwner): string {
  return `${JSON.stringify({ format: 1, installation, space }, undefined, 2)}\n`
}

/** Throws StoreForeign unless `text`, read at `path`, says that the store is the owner's. */
export function checkOwner(path: string, text: string, owner: StoreOwner): void {
  const { installation, space } = parseStore(path, text)
  if (installation === owner.installation && space === owner.space) return
  throw new StoreForeign(
    `${path} says that this place is space '${space}' of installation '${installation}', not space '${owner.space}' of '${owner.installation}'; give each space a place of its own.`,
  )
}

function parseStore(path: string, text: string): { installation: unknown; space: unknown } {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && 'format' in parsed && parsed.format === 1)
      return { installation: undefined, space: undefined, ...parsed }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new StoreForeign(`${path} is not a store file of format 1; the place is left alone.`)
}

/** Keys are ours: relative, lower case, below one of three names, no way out. */
export function checkKey(key: string): void {
  invariant(/^(packs|roots|uploads)(\/[a-z0-9][a-z0-9._-]*)+$/.test(key), `a blob key: ${key}`)
}
