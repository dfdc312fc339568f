/** What a role allows. Patterns are Azure's: `*` stands for any text, case does not count. */
export type Role = {
  /** The GUID of the role definition, the same as Azure's. */
  readonly id: string
  readonly name: string
  readonly actions: readonly string[]
  /** Taken away from this role's own actions, never from another role's. */
  readonly notActions: readonly string[]
  /** What it allows on bytes (blobs): an owner of an account is not by that a reader of its blobs. */
  readonly dataActions?: readonly string[]
}

const containers = 'Microsoft.Storage/storageAccounts/blobServices/containers'
const delegates = 'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action'

/** Azure's built-in roles: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
export const builtInRoles = {
  owner: {
    id: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
    name: 'Owner',
    actions: ['*'],
    notActions: [],
  },
  contributor: {
    id: 'b24988ac-6180-42a0-ab88-20f7382dd24c',
    name: 'Contributor',
    actions: ['*'],
    notActions: [
      'Microsoft.Authorization/*/Delete',
      'Microsoft.Authorization/*/Write',
      'Microsoft.Authorization/elevateAccess/Action',
      'Microsoft.Compute/galleries/share/action',
    ],
  },
  reader: {
    id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
    name: 'Reader',
    actions: ['*/read'],
    notActions: [],
  },
  storageBlobDataOwner: {
    id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
    name: 'Storage Blob Data Owner',
    actions: [`${containers}/*`, delegates],
    notActions: [],
    dataActions: [`${containers}/blobs/*`],
  },
  storageBlobDataContributor: {
    id: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
    name: 'Storage Blob Data Contributor',
    actions: [...['delete', 'read', 'write'].map((verb) => `${containers}/${verb}`), delegates],
    notActions: [],
    dataActions: ['delete', 'read', 'write', 'move/action', 'add/action'].map(
      (verb) => `${containers}/blobs/${verb}`,
    ),
  },
  storageBlobDataReader: {
    id: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1',
    name: 'Storage Blob Data Reader',
    actions: [`${containers}/read`, delegates],
    notActions: [],
    dataActions: [`${containers}/blobs/read`],
  },
} as const satisfies Record<string, Role>

const byId = new Map<string, Role>(Object.values(builtInRoles).map((role) => [role.id, role]))

/** Undefined for a role that this installation does not know: it allows nothing. */
export function roleById(id: string): Role | undefined {
  return byId.get(id.toLowerCase())
}

export function roleAllows(role: Role, action: string): boolean {
  const text = action.toLowerCase()
  if (text.includes('/containers/blobs/')) return matchesAny(role.dataActions ?? [], text)
  return matchesAny(role.actions, text) && !matchesAny(role.notActions, text)
}

function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => pattern === '*' || matches(pattern.toLowerCase(), text))
}

/** Takes the leftmost place for each piece between stars, which suffices, so the cost has no blow-up. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === text
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
