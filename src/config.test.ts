import { expect, it } from 'vitest'
import { readConfig, settingsOf } from './config.ts'

const quotasOf = async (limits: Parameters<typeof readConfig>[1] = {}) =>
  settingsOf(await readConfig(undefined, limits)).quotas
const tib = 1024 ** 4

it('R80 R81 R82 R83 R84 limits are those of the documentation, or of the profile current; each can be set', async () => {
  const documented = {
    galleriesPerRegion: 100,
    definitionsPerRegion: 1_000,
    versionsPerRegion: 10_000,
  }
  expect(await quotasOf()).toEqual({ ...documented, replicasPerRegion: 10, diskBytesMax: tib })
  const current = { ...documented, replicasPerRegion: 100, diskBytesMax: 2 * tib }
  expect(await quotasOf({ limits: { profile: 'current' } })).toEqual(current)
  for (const name of [
    'galleriesPerRegion',
    'definitionsPerRegion',
    'versionsPerRegion',
    'replicasPerRegion',
    'diskBytesMax',
  ] as const) {
    const limits = { profile: 'current', [name]: 7 } as const
    expect(await quotasOf({ limits })).toEqual({ ...current, [name]: 7 })
  }
  await expect(quotasOf({ limits: { galleriesPerRegion: 0 } })).rejects.toThrow(
    'galleriesPerRegion',
  )
})
