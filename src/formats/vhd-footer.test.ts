import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fixedVhdFooter, parseVhdFooter, vhdBytesMax } from './vhd-footer.ts'

const id = '00112233-4455-6677-8899-aabbccddeeff'

it('raw bytes and the footer are a fixed VHD of exactly that size', () => {
  const sectors = fc.integer({ min: 1, max: vhdBytesMax / 512 })
  fc.assert(
    fc.property(sectors, (count) => {
      const footer = parseVhdFooter(fixedVhdFooter({ virtualSizeBytes: count * 512, id }))
      expect(footer).toMatchObject({
        diskType: 2,
        currentSizeBytes: count * 512,
        virtualSizeBytes: count * 512,
        idHex: id.replaceAll('-', ''),
      })
    }),
  )
})

it('the same disk has the same footer', () => {
  const disk = { virtualSizeBytes: 2 ** 30, id }
  expect(Buffer.compare(fixedVhdFooter(disk), fixedVhdFooter(disk))).toBe(0)
})

it.each([
  [1, [0, 4, 17]],
  [69_631, [1023, 4, 17]],
  [69_632, [140, 16, 31]],
  [200_000, [980, 12, 17]],
  [2_097_152, [2080, 16, 63]],
  [65_535 * 16 * 63, [16_191, 16, 255]],
  [65_535 * 16 * 255 + 1, [65_535, 16, 255]],
])('the geometry of %d sectors is the one of the specification', (sectors, geometry) => {
  const footer = Buffer.from(fixedVhdFooter({ virtualSizeBytes: sectors * 512, id }))
  expect([footer.readUInt16BE(56), footer[58], footer[59]]).toEqual(geometry)
})

it('a disk that is too large for a VHD is refused with the way out', () => {
  const write = () => fixedVhdFooter({ virtualSizeBytes: vhdBytesMax + 512, id })
  expect(write).toThrow(/at most 2040 GiB; download this disk as raw/)
})
