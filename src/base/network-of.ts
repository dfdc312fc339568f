import { isIPv4, isIPv6 } from 'node:net'

/** What stands for an address that is not known, or is none. */
const unknown = 'unknown'

/**
 * Whom one address belongs to, as limits count: an IPv4 address is itself, also inside IPv6; of IPv6 one customer has a /64,
 * and as many addresses in it as he likes. A port behind it, as some proxies add it, is left out.
 */
export function networkOf(address: string | undefined): string {
  const bare = withoutPort(address ?? '').replace(/%.*$/, '')
  if (isIPv4(bare)) return bare
  if (!isIPv6(bare)) return unknown
  const groups = groupsOf(bare)
  const [, , , , , mark = 0, high = 0, low = 0] = groups
  const isMapped = mark === 0xffff && groups.slice(0, 5).every((one) => one === 0)
  if (isMapped) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  const prefix = groups.slice(0, 4).map((one) => one.toString(16))
  return `${prefix.join(':')}::/64`
}

function withoutPort(text: string): string {
  const [, inBrackets] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? []
  return inBrackets ?? text.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
}

/** The eight of an IPv6 address; `URL` writes dotted ends as groups. */
export function groupsOf(address: string): readonly number[] {
  const { hostname } = new URL(`http://[${address}]`)
  const [before = '', after] = hostname.slice(1, -1).split('::')
  const numbers = (text: string) =>
    text === '' ? [] : text.split(':').map((one) => Number.parseInt(one, 16))
  const [head, tail] = [numbers(before), numbers(after ?? '')]
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}
