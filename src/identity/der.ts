import { isIP } from 'node:net'

/**
 * Writes DER (ITU-T X.690), as much of it as a certificate needs. Writing is all: certificates are read and verified by
 * `node:crypto`. By hand, because the libraries for it bring some twenty packages and a global polyfill.
 */
export const der = {
  sequence: (...items: readonly Uint8Array[]) => tagged(0x30, ...items),
  set: (...items: readonly Uint8Array[]) => tagged(0x31, ...items),
  /** A positive integer from its big-endian bytes. */
  integer: (bytes: Uint8Array) => {
    const firstUsed = bytes.findIndex((byte) => byte !== 0)
    const short = firstUsed < 0 ? Uint8Array.of(0) : bytes.subarray(firstUsed)
    return tagged(0x02, Uint8Array.of(...((short[0] ?? 0) > 0x7f ? [0] : [])), short)
  },
  boolean: (value: boolean) => tagged(0x01, Uint8Array.of(value ? 0xff : 0)),
  octets: (bytes: Uint8Array) => tagged(0x04, bytes),
  /** Whole bytes; `unusedBits` of the last one do not count. */
  bits: (bytes: Uint8Array, unusedBits = 0) => tagged(0x03, Uint8Array.of(unusedBits), bytes),
  utf8: (text: string) => tagged(0x0c, Buffer.from(text)),
  oid: (dotted: string) => {
    const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
    return tagged(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)))
  },
  /** UTCTime until 2049, GeneralizedTime from 2050 on, as RFC 5280 asks. */
  time: (at: Date) => {
    const digits = `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
    const long = at.getUTCFullYear() >= 2050
    return tagged(long ? 0x18 : 0x17, Buffer.from(long ? digits : digits.slice(2)))
  },
  /** `[number]` around whole items (explicit). */
  around: (number: number, ...items: readonly Uint8Array[]) => tagged(0xa0 | number, ...items),
  /** `[number]` in place of the tag of a primitive value (implicit). */
  instead: (number: number, bytes: Uint8Array) => tagged(0x80 | number, bytes),
}

/** The 4 or 16 bytes of an IP address. */
export function ipBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number))
  // The URL parser brings every spelling to groups of hex digits with at most one `::`.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [head, tail] = [groups(left), groups(right ?? '')]
  const zeros = new Array<string>(8 - head.length - tail.length).fill('0')
  return Buffer.from(
    [...head, ...zeros, ...tail].map((group) => group.padStart(4, '0')).join(''),
    'hex',
  )
}

function tagged(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents)
  return Buffer.concat([Uint8Array.of(tag, ...lengthBytes(body.length)), body])
}

function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length]
  const bytes = []
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256)
  return [0x80 | bytes.length, ...bytes]
}

function base128(value: number): readonly number[] {
  const bytes = [value % 128]
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) {
    bytes.unshift(0x80 | (left % 128))
  }
  return bytes
}
