import { expect, it } from 'vitest'
import { remoteAddress } from './remote-address.ts'

it('of X-Forwarded-For only what our own proxies added is believed', () => {
  const request = {
    headers: { 'x-forwarded-for': '6.6.6.6, 1.1.1.1 , 2.2.2.2' },
    socket: { remoteAddress: '9.9.9.9' },
  }
  expect(remoteAddress(request, 0)).toBe('9.9.9.9')
  expect(remoteAddress(request, 1)).toBe('2.2.2.2')
  expect(remoteAddress(request, 2)).toBe('1.1.1.1')
  expect(remoteAddress({ ...request, headers: {} }, 2)).toBe('9.9.9.9')
  expect(remoteAddress({ headers: {}, socket: {} }, 0)).toBe('')
})
