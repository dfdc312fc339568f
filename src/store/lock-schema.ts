import type { WrittenColumns } from './tenant-schema.ts'

export type LockTable = WrittenColumns & {
  /** `keyOf` of the scope. */
  scope_key: string
  /** The name in lower case. */
  name_key: string
  scope: string
  name: string
  level: 'CanNotDelete' | 'ReadOnly'
  notes: string | null
  /** Ids of applications, as a JSON array. */
  owners: string
  created_by_kind: 'Application' | 'User'
  updated_by_kind: 'Application' | 'User'
}

/** As `tag-rows-of.ts` makes them. */
export type ResourceTagTable = {
  resource_key: string
  name_digest: string
  subscription: string
  value_digest: string
  name: string
  value: string
}

export type TagNameTable = {
  subscription: string
  name_digest: string
  /** '' for the name itself. */
  value_digest: string
  name: string
  value: string | null
}
