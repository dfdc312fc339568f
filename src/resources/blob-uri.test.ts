import { expect, test } from 'vitest'
import { blobOfUri } from './blob-uri.ts'

const id = '/subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/Vhds1'
const key = id.toLowerCase()

test.each([
  ['https://127.0.0.1:8443/vhds1/images/os.vhd', 'images', 'os.vhd'],
  ['https://vitrine.example/vhds1/images/a/b%20c.vhd?sv=1&sig=x', 'images', 'a/b c.vhd'],
  ['http://vhds1.blob.core.windows.net/images/os.vhd', 'images', 'os.vhd'],
])('%s names a blob, with and without the account’s id', (uri, container, name) => {
  expect(blobOfUri(uri, id)).toEqual({ account: key, container, name })
  expect(blobOfUri(uri, undefined)).toEqual({ account: 'vhds1', container, name })
})

test.each([
  ['https://127.0.0.1/other/images/os.vhd', id],
  ['https://127.0.0.1/vhds1/images', undefined],
  ['https://127.0.0.1/vhds1/images/', undefined],
  ['https://127.0.0.1/vhds1/images/%zz', undefined],
  ['ftp://127.0.0.1/vhds1/images/os.vhd', undefined],
  ['os.vhd', undefined],
  ['https://127.0.0.1/vhds1/images/os.vhd', 'no id'],
])('%s with account %s names none', (uri, account) => {
  expect(blobOfUri(uri, account)).toBeUndefined()
})
