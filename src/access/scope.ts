import { keyOf, parseResourceId } from '../domain/resource-id.ts'

/** Where a role is given or looked at: `/`, the group of all subscriptions, a subscription, a group, a resource. */
export type Scope = {
  /** As sent, without a slash at the end; `/` for the root. */
  readonly text: string
  readonly key: string
  /** Every scope key above it, and its own. */
  readonly lineage: readonly string[]
  /** `/subscriptions/{id}`; empty above them. */
  readonly subscription: string
}

const groupForm = /^\/providers\/microsoft\.management\/managementgroups\/([^/]+)$/i

/** Undefined for what is no scope; the one management group there is has the tenant's id. */
export function parseScope(path: string, tenantId: string): Scope | undefined {
  const text = path === '' ? '/' : path
  const key = keyOf(text)
  if (key === '') return { text, key, lineage: [''], subscription: '' }
  const [, group] = groupForm.exec(text) ?? []
  if (group !== undefined) {
    if (group.toLowerCase() !== tenantId) return undefined
    return { text, key, lineage: ['', key], subscription: '' }
  }
  const id = parseResourceId(text)
  if (!id) return undefined
  const segments = key.split('/')
  const above = segments.slice(2).map((_, at) => segments.slice(0, at + 2).join('/'))
  const groupOfAll = `/providers/microsoft.management/managementgroups/${tenantId}`
  const lineage = ['', groupOfAll, ...above, key]
  return { text: id.text, key, lineage, subscription: `/subscriptions/${id.subscription}` }
}
