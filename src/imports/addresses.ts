import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** RFC 6890 and the IANA special-purpose registries: nothing of the open internet lies there. */
const privateRanges = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['::1', 128],
  ['fc00::', 7],
] as const

/** What no file server has, and what clouds answer secrets at (169.254.169.254 and its kind). */
const neverRanges = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  // Alibaba's and Azure's own metadata and wire servers have addresses that look like any other.
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['fd00:ec2::254', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const

const privates = listOf(privateRanges)
const nevers = listOf(neverRanges)

/** `open`: of the internet. `private`: of this machine or its own network. `never`: no file server's. */
export function addressKind(address: string): 'open' | 'private' | 'never' {
  const plain = unmapped(address.replace(/%.*$/, ''))
  const family = isIPv4(plain) ? 'ipv4' : 'ipv6'
  if (family === 'ipv6' && !isIPv6(plain)) return 'never'
  if (nevers.check(plain, family)) return 'never'
  return privates.check(plain, family) ? 'private' : 'open'
}

/** An IPv4 address in IPv6 clothes (`::ffff:7f00:1`, `::127.0.0.1`) is judged as what it is. */
function unmapped(address: string): string {
  if (!isIPv6(address)) return address
  const groups = groupsOf(address)
  const [high = 0, low = 0] = groups.slice(6)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  const isCompatible = groups.slice(0, 6).every((group) => group === 0) && high !== 0
  if (!isMapped && !isCompatible) return address
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The eight groups; the URL parser writes every form of an address in the same way. */
function groupsOf(address: string): readonly number[] {
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const before = groups(head)
  const after = groups(tail ?? '')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after].map((group) =>
    Number.parseInt(group, 16),
  )
}

function listOf(ranges: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of ranges) {
    list.addSubnet(network, prefix, isIPv4(network) ? 'ipv4' : 'ipv6')
  }
  return list
}
