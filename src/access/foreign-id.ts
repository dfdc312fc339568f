import { hash } from 'node:crypto'

const guid = /^[\da-f]{8}-[\da-f]{4}-([\da-f])[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/i

/**
 * The id by which roles name a principal or group of another directory. A GUID is taken as it is. Anything else, and a GUID
 * of version 5, gets a GUID of version 5 (RFC 9562): the text in the namespace of the tenant, that of a group in the
 * namespace `groups` within it. So no text that somebody chose there can become the id of somebody else.
 */
export function foreignId(what: 'principal' | 'group', text: string, tenantId: string): string {
  const [, version] = guid.exec(text) ?? []
  if (version !== undefined && version !== '5') return text.toLowerCase()
  const namespace = what === 'group' ? named(tenantId, 'groups') : tenantId
  return named(namespace, text)
}

function named(namespace: string, name: string): string {
  const bytes = Buffer.concat([
    Buffer.from(namespace.replaceAll('-', ''), 'hex'),
    Buffer.from(name),
  ])
  const digest = hash('sha1', bytes, 'buffer').subarray(0, 16)
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  const hex = digest.toString('hex')
  return [8, 12, 16, 20, 32].map((end, at, ends) => hex.slice(ends[at - 1] ?? 0, end)).join('-')
}
