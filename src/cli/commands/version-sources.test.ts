import { expect, test } from 'vitest'
import { UsageError } from '../usage-error.ts'
import { storageProfileOf } from './version-sources.ts'

const none = {
  managedImage: undefined,
  imageVersion: undefined,
  osDisk: undefined,
  dataDisks: undefined,
  dataLuns: undefined,
  osVhd: undefined,
  osVhdAccount: undefined,
  dataVhds: undefined,
  dataVhdLuns: undefined,
  dataVhdAccounts: undefined,
}
const resolve = {
  imageId: (name: string) => `/images/${name}`,
  diskId: async (name: string) => `/disks/${name}`,
  accountId: (name: string) => `/accounts/${name}`,
}

test('R38 snapshots by LUN, counted from 0 or as told', async () => {
  const given = { ...none, osDisk: 'os', dataDisks: ['a', 'b'] }
  expect(await storageProfileOf(given, resolve)).toEqual({
    osDiskImage: { source: { id: '/disks/os' } },
    dataDiskImages: [
      { lun: 0, source: { id: '/disks/a' } },
      { lun: 1, source: { id: '/disks/b' } },
    ],
  })
  expect(await storageProfileOf({ ...given, dataLuns: [7, 3] }, resolve)).toMatchObject({
    dataDiskImages: [{ lun: 7 }, { lun: 3 }],
  })
})

test('R39 files take the LUNs that are free, with one account for all or one for each', async () => {
  const given = { ...none, osVhd: 'https://h/os', dataDisks: ['a'], dataLuns: [1] }
  const files = { ...given, dataVhds: ['https://h/b', 'https://h/c'], osVhdAccount: 'mine' }
  expect(await storageProfileOf({ ...files, dataVhdAccounts: ['mine'] }, resolve)).toEqual({
    osDiskImage: { source: { uri: 'https://h/os', storageAccountId: '/accounts/mine' } },
    dataDiskImages: [
      { lun: 1, source: { id: '/disks/a' } },
      { lun: 0, source: { uri: 'https://h/b', storageAccountId: '/accounts/mine' } },
      { lun: 2, source: { uri: 'https://h/c', storageAccountId: '/accounts/mine' } },
    ],
  })
  const each = await storageProfileOf({ ...files, dataVhdAccounts: ['one', 'two'] }, resolve)
  expect(each).toMatchObject({
    dataDiskImages: [
      { lun: 1 },
      { source: { storageAccountId: '/accounts/one' } },
      { source: { storageAccountId: '/accounts/two' } },
    ],
  })
  expect(await storageProfileOf({ ...none, osVhd: 'https://h/os' }, resolve)).toEqual({
    osDiskImage: { source: { uri: 'https://h/os' } },
  })
})

test('R36 R40 an image or a version is a source by itself', async () => {
  expect(await storageProfileOf({ ...none, managedImage: 'i' }, resolve)).toEqual({
    source: { id: '/images/i' },
  })
  expect(await storageProfileOf({ ...none, imageVersion: '/v' }, resolve)).toEqual({
    source: { id: '/v' },
  })
})

test.each([
  ['nothing', {}],
  ['two sources', { managedImage: 'i', osDisk: 'os' }],
  ['a whole one with data disks', { imageVersion: '/v', dataVhds: ['https://h/b'] }],
  ['LUNs for other disks', { osDisk: 'os', dataDisks: ['a'], dataLuns: [1, 2] }],
  ['LUNs for other files', { osVhd: 'https://h/os', dataVhds: ['https://h/b'], dataVhdLuns: [] }],
  [
    'accounts for other files',
    { osVhd: 'https://h/os', dataVhds: ['u', 'v', 'w'], dataVhdAccounts: ['a', 'b'] },
  ],
])('%s is a wrong command line', async (_, given) => {
  await expect(storageProfileOf({ ...none, ...given }, resolve)).rejects.toThrow(UsageError)
})
