import { expect, test } from 'vitest'
import { blobOfUri } from './blob-uri.ts'

const id = '/subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/Vhds1'
const key = id.toLowerCase()
const own = ['https://vitrine.example', 'https://127.0.0.1', 'https://localhost']

test.each([
  ['https://127.0.0.1/vhds1/images/os.vhd', 'images', 'os.vhd'],
  ['https://vitrine.example/vhds1/images/a/b%20c.vhd?sv=1&sig=x', 'images', 'a/b c.vhd'],
  ['https://vhds1.blob.storage.localhost/images/os.vhd', 'images', 'os.vhd'],
])('%s names a blob, with and without the account’s id', (uri, container, name) => {
  expect(blobOfUri(uri, id, own)).toEqual({ account: key, container, name })
  expect(blobOfUri(uri, undefined, own)).toEqual({ account: 'vhds1', container, name })
})

test('Azure’s own host names a blob with the account’s id alone', () => {
  const uri = 'http://vhds1.blob.core.windows.net/images/os.vhd'
  expect(blobOfUri(uri, id, own)).toEqual({ account: key, container: 'images', name: 'os.vhd' })
  expect(blobOfUri(uri, undefined, own)).toBeUndefined()
})

test.each([
  ['https://127.0.0.1/other/images/os.vhd', id],
  ['https://other.blob.core.windows.net/images/os.vhd', id],
  ['https://127.0.0.1:9755/vhds1/images/os.vhd', id],
  ['https://127.0.0.1:9755/vhds1/images/os.vhd', undefined],
  ['https://files.example/vhds1/images/os.vhd', undefined],
  ['https://127.0.0.1/vhds1/images', undefined],
  ['https://127.0.0.1/vhds1/images/', undefined],
  ['https://127.0.0.1/vhds1/images/%zz', undefined],
  ['ftp://127.0.0.1/vhds1/images/os.vhd', undefined],
  ['os.vhd', undefined],
  ['https://127.0.0.1/vhds1/images/os.vhd', 'no id'],
])('%s with account %s names none', (uri, account) => {
  expect(blobOfUri(uri, account, own)).toBeUndefined()
})
