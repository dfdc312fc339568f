import { describe, expect, it } from 'vitest'
import { type ConfigOverrides, readConfig } from './config.ts'
import type { SpaceId } from './domain/spaces.ts'
import { bucketsOf, spaceAddress } from './space-address.ts'

async function placed(spaces: NonNullable<ConfigOverrides['spaces']>, space: string) {
  return spaceAddress(await readConfig(undefined, { data: '/data', spaces }), space as SpaceId)
}

const zone = 'westeurope/Standard_ZRS/1/2'

describe('where spaces lie', () => {
  it('a space that no pattern names is a folder below the data folder', async () => {
    const folder = '/data/spaces/westeurope/Standard_ZRS/1/2'
    expect(await placed({}, zone)).toEqual({ kind: 'disk', folder })
    expect(await placed({ 'eastus/*': '/mnt/us' }, zone)).toEqual({ kind: 'disk', folder })
  })

  it('a space named alone has a folder of its own, one of a pattern lies below its id', async () => {
    expect(await placed({ [zone]: '/mnt/b' }, zone)).toEqual({ kind: 'disk', folder: '/mnt/b' })
    const below = { kind: 'disk', folder: `/mnt/we/${zone}` }
    expect(await placed({ 'westeurope/*': '/mnt/we' }, zone)).toEqual(below)
  })

  it('the first pattern that fits counts; zones and Premium get buckets of their own', async () => {
    const spaces = {
      '*/Standard_ZRS/*/1': { bucket: 'zone-1' },
      '*/Standard_ZRS/*/2': { bucket: 'zone-2', prefix: 'images/', profile: 'two' },
      '*/Premium_LRS/*': { bucket: 'fast', endpoint: 'https://s3.example.org', region: 'x' },
      '*': { bucket: 'rest', region: 'eu-west-1' },
    }
    expect(await placed(spaces, zone)).toEqual({
      kind: 's3',
      endpoint: undefined,
      region: 'us-east-1',
      bucket: 'zone-2',
      prefix: `images/${zone}/`,
      pathStyle: false,
      profile: 'two',
    })
    const fast = await placed(spaces, 'eastus/Premium_LRS/3')
    expect(fast).toMatchObject({
      bucket: 'fast',
      pathStyle: true,
      endpoint: 'https://s3.example.org',
    })
    expect(await placed(spaces, 'eastus/Standard_LRS/1')).toMatchObject({ bucket: 'rest' })
    expect(await placed(spaces, 'eastus/Standard_ZRS/1/3')).toMatchObject({ bucket: 'rest' })
    const named = bucketsOf(await readConfig(undefined, { spaces }))
    expect(named.map(({ bucket, prefix }) => [bucket, prefix])).toEqual([
      ['zone-1', ''],
      ['zone-2', 'images/'],
      ['fast', ''],
      ['rest', ''],
    ])
  })

  it('no credentials are taken from the configuration, and no pattern that fits nothing', async () => {
    for (const spaces of [
      { '*': { bucket: 'b', endpoint: 'https://key:secret@s3.example.org' } },
      { '*': { bucket: 'b', prefix: 'no-slash-at-the-end' } },
      { 'westeurope/Standard_GRS/1': '/mnt' },
      { 'westeurope//1': '/mnt' },
      { westeurope: '/mnt' },
    ]) {
      await expect(readConfig(undefined, { spaces })).rejects.toThrow(/spaces/)
    }
  })
})
