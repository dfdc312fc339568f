const partMax = 2_147_483_647

export type VersionName = { readonly major: number; readonly minor: number; readonly patch: number }

/** Major.Minor.Patch, each a 32-bit integer without leading zeros (requirement 24); undefined when it is not one. */
export function parseVersionName(text: string): VersionName | undefined {
  if (!/^(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})$/.test(text)) return undefined
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number)
  if (Math.max(major, minor, patch) > partMax) return undefined
  return { major, minor, patch }
}

/** Sorts like the numbers do when compared as text: each part padded to ten digits. */
export function versionSortKey(name: VersionName): string {
  return [name.major, name.minor, name.patch]
    .map((part) => String(part).padStart(10, '0'))
    .join('.')
}
