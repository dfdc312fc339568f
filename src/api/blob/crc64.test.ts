import { expect, test } from 'vitest'
import { openCrc64 } from './crc64.ts'

test('the CRC-64 of the digits is the one of the catalogue, in whatever parts they come', () => {
  const digits = Buffer.from('123456789')
  const wanted = Buffer.alloc(8)
  wanted.writeBigUInt64LE(0xae8b14860a799888n)
  for (let at = 0; at <= digits.length; at++) {
    const crc = openCrc64()
    crc.add(digits.subarray(0, at))
    crc.add(digits.subarray(at))
    expect(crc.digest()).toBe(wanted.toString('base64'))
  }
})
