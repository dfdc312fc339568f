import { createHash } from 'node:crypto'
import type { Json } from '../../domain/rows.ts'
import { type Call, type FunctionGroup, made, stringAt, unbounded } from './function.ts'

export const hashFunctions: FunctionGroup = {
  uniqueString: made(1, unbounded, (args, call) => uniqueString(dashed(args, call))),
  guid: made(1, unbounded, (args, call) => nameGuid(dashed(args, call))),
}

function dashed(args: readonly Json[], call: Call): string {
  return args.map((_, at) => stringAt(args, at, call)).join('-')
}

const letters = 'abcdefghijklmnopqrstuvwxyz234567'

/** Thirteen letters of five bits each, from the top; the last one has four. */
function uniqueString(text: string): string {
  let rest = murmurHash64(text)
  let unique = ''
  for (let at = 0; at < 13; at++) {
    unique += letters[Number(rest >> 59n)]
    rest = BigInt.asUintN(64, rest << 5n)
  }
  return unique
}

/** The namespace in which Resource Manager names its guids. */
const armNamespace = Buffer.from('11fb06fb712d4ddd98c7e71bbd588830', 'hex')

/** A UUID of version 5. */
function nameGuid(text: string): string {
  const digest = createHash('sha1').update(armNamespace).update(text).digest()
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6)
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = digest.toString('hex')
  const cuts = [0, 8, 12, 16, 20, 32]
  return cuts
    .slice(1)
    .map((end, at) => hex.slice(cuts[at], end))
    .join('-')
}

const [c1, c2] = [0x23_9b_96_1b, 0xab_0e_97_89]

/** Two 32-bit halves after MurmurHash3 (public domain), as Resource Manager has them: seed 0, UTF-8. */
export function murmurHash64(text: string): bigint {
  const data = Buffer.from(text)
  const bulk = data.length - (data.length % 8)
  let low = 0
  let high = 0
  for (let at = 0; at < bulk; at += 8) {
    low = Math.imul(turned(low ^ mixedLow(data.readInt32LE(at)), 19) + high, 5) + 0x56_1c_cd_1b
    high =
      Math.imul(turned(high ^ mixedHigh(data.readInt32LE(at + 4)), 13) + low, 5) + 0x0b_ca_a7_47
  }
  const rest = Buffer.alloc(8)
  data.copy(rest, 0, bulk)
  if (data.length > bulk) low ^= mixedLow(rest.readInt32LE(0))
  if (data.length > bulk + 4) high ^= mixedHigh(rest.readInt32LE(4))
  low ^= data.length
  high ^= data.length
  low = (low + high) | 0
  high = (high + low) | 0
  low = finished(low)
  high = finished(high)
  low = (low + high) | 0
  high = (high + low) | 0
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

function mixedLow(word: number): number {
  return Math.imul(turned(Math.imul(word, c1), 15), c2)
}

function mixedHigh(word: number): number {
  return Math.imul(turned(Math.imul(word, c2), 17), c1)
}

function turned(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

function finished(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85_eb_ca_6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2_b2_ae_35)
  return mixed ^ (mixed >>> 16)
}
