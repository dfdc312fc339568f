import { expect, test } from 'vitest'
import { installationUrls } from './audiences.ts'
import { ownBlobUrl, storageSuffix } from './own-blob-url.ts'

const own = installationUrls('https://vitrine.example:8443', ['localhost', '::1', '127.0.0.1'])
const ours = 'https://vitrine.example:8443/vhds1/vhds/os.vhd?sig=x'

test.each([
  [ours, ours],
  ['https://VITRINE.example:8443/vhds1/vhds/os.vhd?sig=x', ours],
  ['https://[::1]:8443/vhds1/a/b', 'https://[::1]:8443/vhds1/a/b'],
  ['https://vhds1.blob.vitrine.example:8443/vhds/os.vhd?sig=x', ours],
  ['https://vhds1.blob.storage.localhost/vhds/os.vhd?sig=x', ours],
  ['http://vhds1.blob.localhost/vhds/os.vhd?sig=x', ours],
])('%s is ours', (url, expected) => {
  expect(ownBlobUrl(url, own)?.href).toBe(expected)
})

test.each([
  'https://files.example/vhds1/vhds/os.vhd',
  'https://127.0.0.1:9755/vhds1/vhds/os.vhd',
  'http://127.0.0.1:8443/vhds1/vhds/os.vhd',
  'https://127.0.0.1/vhds1/vhds/os.vhd',
  'https://vitrine.example/vhds1/vhds/os.vhd',
  'https://vhds1.blob.core.windows.net/vhds/os.vhd',
  'https://vhds1.blob.files.example/vhds/os.vhd',
  'https://vhds1.blob.vitrine.example.evil.example/vhds/os.vhd',
  'http://vhds1.blob.localhost:10000/vhds/os.vhd',
  'ftp://localhost:8443/vhds1/vhds/os.vhd',
  'os.vhd',
])('%s is another host’s', (url) => {
  expect(ownBlobUrl(url, own)).toBeUndefined()
  expect(ownBlobUrl(url, [])).toBeUndefined()
})

test('Azure’s suffix is ours for the account that was named besides, and for no other', () => {
  const url = 'https://vhds1.blob.core.windows.net/vhds/os.vhd?sig=x'
  expect(ownBlobUrl(url, own, 'vhds1')?.href).toBe(ours)
  expect(ownBlobUrl(url, own, 'other')).toBeUndefined()
  expect(ownBlobUrl('https://vhds1.blob.files.example/a/b', own, 'vhds1')).toBeUndefined()
  expect(ownBlobUrl('https://files.example/vhds1/a/b', own, 'vhds1')).toBeUndefined()
})

test.each(['https://vitrine.example:8443', 'https://10.0.0.7:8443', 'https://[::1]:8443'])(
  'what templates of %s put behind the name of an account makes a URL of ours',
  (base) => {
    const all = installationUrls(base, ['localhost', '::1', '127.0.0.1'])
    const url = `https://vhds1.blob.${storageSuffix(base)}/vhds/os.vhd`
    expect(ownBlobUrl(url, all)?.href).toBe(`${base}/vhds1/vhds/os.vhd`)
  },
)
