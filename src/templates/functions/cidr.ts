import { isIPv4, isIPv6 } from 'node:net'
import { groupsOf } from '../../base/network-of.ts'
import type { Json } from '../../domain/rows.ts'
import { type Call, type FunctionGroup, integerAt, made, refused, stringAt } from './function.ts'

/** Networks of IPv4 and IPv6, as `10.144.0.0/20`. */
export const cidrFunctions: FunctionGroup = {
  parseCidr: made(1, 1, (args, call) => {
    const network = networkAt(args, call)
    const { bits, prefix, first } = network
    const last = lastOf(network)
    const [firstUsable, lastUsable] = usableOf(network)
    return {
      network: written(first, bits),
      netmask: written(maskOf(network), bits),
      ...(bits === 32 && { broadcast: written(last, bits) }),
      firstUsable: written(firstUsable, bits),
      lastUsable: written(lastUsable, bits),
      cidr: prefix,
    }
  }),
  cidrSubnet: made(3, 3, (args, call) => {
    const { bits, prefix, first } = networkAt(args, call)
    const newPrefix = integerAt(args, 1, call)
    const index = integerAt(args, 2, call)
    if (newPrefix < prefix || newPrefix > bits)
      throw refused(call.name, `the new CIDR must be between '${prefix}' and '${bits}'.`)
    const count = 1n << BigInt(newPrefix - prefix)
    if (index < 0 || BigInt(index) >= count)
      throw refused(call.name, `the index must be between '0' and '${count - 1n}'.`)
    const start = first + (BigInt(index) << BigInt(bits - newPrefix))
    return `${written(start, bits)}/${newPrefix}`
  }),
  /** The first host is the one behind the address of the network, in IPv6 too. */
  cidrHost: made(2, 2, (args, call) => {
    const network = networkAt(args, call)
    const index = integerAt(args, 1, call)
    const host = network.first + 1n + BigInt(index)
    const [, lastUsable] = usableOf(network)
    if (index < 0 || host > lastUsable)
      throw refused(call.name, `the network has no usable address with the index '${index}'.`)
    return written(host, network.bits)
  }),
}

type Network = {
  readonly bits: 32 | 128
  readonly prefix: number
  /** Its own address. */
  readonly first: bigint
}

function networkAt(args: readonly Json[], call: Call): Network {
  const text = stringAt(args, 0, call)
  const [, address = '', digits = ''] = /^([\da-f:.]+)\/(\d{1,3})$/i.exec(text) ?? []
  const bits = isIPv4(address) ? 32 : 128
  const prefix = Number(digits)
  if (!(isIPv4(address) || isIPv6(address)) || prefix > bits)
    throw refused(call.name, `'${text.slice(0, 100)}' is no network in CIDR notation.`)
  const host = BigInt(bits - prefix)
  return { bits, prefix, first: (numberOf(address) >> host) << host }
}

function numberOf(address: string): bigint {
  const [parts, size] = isIPv4(address)
    ? [address.split('.').map(Number), 8n]
    : [groupsOf(address), 16n]
  return parts.reduce((value, part) => (value << size) | BigInt(part), 0n)
}

function lastOf({ bits, prefix, first }: Network): bigint {
  return first | ((1n << BigInt(bits - prefix)) - 1n)
}

function maskOf({ bits, prefix }: Network): bigint {
  const host = BigInt(bits - prefix)
  return (((1n << BigInt(bits)) - 1n) >> host) << host
}

/** Of IPv4 all but the network and its broadcast, of IPv6 all; the network alone where there would be none. */
function usableOf(network: Network): readonly [first: bigint, last: bigint] {
  const { bits, prefix, first } = network
  if (bits === 128) return [first, lastOf(network)]
  return prefix > 30 ? [first, first] : [first + 1n, lastOf(network) - 1n]
}

function written(address: bigint, bits: Network['bits']): string {
  const size = bits === 32 ? 8 : 16
  const parts = Array.from({ length: bits / size }, (_, at) =>
    Number(BigInt.asUintN(size, address >> BigInt(bits - size * (at + 1)))),
  )
  if (bits === 32) return parts.join('.')
  const { hostname } = new URL(`http://[${parts.map((part) => part.toString(16)).join(':')}]`)
  return hostname.slice(1, -1)
}
