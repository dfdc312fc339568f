import { describe, expect, it } from 'vitest'
import { byteCount, date, flag, formatTime, parseTime, wholeNumber, word } from './coerce.ts'

describe('what clients send is read as they mean it', () => {
  it('words are taken in any case and answered in theirs', () => {
    const types = word(['StandardSSD_LRS', 'Premium_LRS'])
    expect(types.parse('standardssd_lrs')).toBe('StandardSSD_LRS')
    for (const wrong of ['Standard', '', 5, null])
      expect(types.safeParse(wrong).success).toBe(false)
  })

  it.each([
    ['64', 64],
    [' -3 ', -3],
    [0, 0],
  ])('the number %j is %i', (sent, read) => {
    expect(wholeNumber.parse(sent)).toBe(read)
  })

  it.each(['', '1.5', '1e3', 'x', 1.5, 2_147_483_648, '2147483648', true, [], '9'.repeat(400)])(
    '%j is no int32',
    (sent) => {
      expect(wholeNumber.safeParse(sent).success).toBe(false)
    },
  )

  it('sizes go beyond int32, not below zero', () => {
    expect(byteCount.parse('1099511627776')).toBe(1024 ** 4)
    expect(byteCount.safeParse(-1).success).toBe(false)
  })

  it('flags may come as text', () => {
    expect([flag.parse('True'), flag.parse(false)]).toEqual([true, false])
    for (const wrong of ['yes', 1, '']) expect(flag.safeParse(wrong).success).toBe(false)
  })

  it.each([
    ['2030-01-01', '2030-01-01T00:00:00+00:00'],
    ['2028-02-29', '2028-02-29T00:00:00+00:00'],
    ['2030-01-01T12:59:59.000Z', '2030-01-01T12:59:59+00:00'],
    ['2030-01-01T12:59:59.1204567+00:00', '2030-01-01T12:59:59.12+00:00'],
    ['2030-01-01T00:30:00+0100', '2029-12-31T23:30:00+00:00'],
    ['2030-01-01 10:00', '2030-01-01T10:00:00+00:00'],
    ['2030-01-01t10:00:00z', '2030-01-01T10:00:00+00:00'],
  ])('the date %s is %s, and that is itself again', (sent, shown) => {
    expect(date.parse(sent)).toBe(shown)
    expect(date.parse(shown)).toBe(shown)
  })

  it.each(['2029-02-29', '2030-04-31', '2030-00-01', '2030-01-01T25:00', '1.1.2030', '', 'now'])(
    '%s is no date',
    (sent) => {
      expect(date.safeParse(sent).success).toBe(false)
    },
  )

  it('times are written as .NET does, zeros of the fraction trimmed', () => {
    expect(formatTime(new Date('2023-06-25T12:45:41.100Z'))).toBe('2023-06-25T12:45:41.1+00:00')
    expect(formatTime(new Date('2023-06-25T12:45:40.000Z'))).toBe('2023-06-25T12:45:40+00:00')
    expect(parseTime('2023-06-25T12:45:40+00:00')).toBe(Date.UTC(2023, 5, 25, 12, 45, 40))
  })
})
