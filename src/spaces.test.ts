import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LogEvent, World } from './base/world.ts'
import type { SpaceId } from './domain/spaces.ts'
import { openSpacePreparation } from './spaces.ts'
import { openSqliteStore } from './store/sqlite.ts'
import { openWorld } from './world.ts'

const space = 'westeurope/Standard_LRS/1' as SpaceId

describe('spaces at the start', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spaces-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('a space that is away does not stop the start, and is made when it comes', async () => {
    const blocked = join(folder, 'blocked')
    await writeFile(blocked, 'not a folder')
    const logged: LogEvent[] = []
    const sleep: World['sleep'] = async (_ms, signal) => {
      signal.throwIfAborted()
      if (logged.length > 2) await rm(blocked, { force: true })
    }
    const world = { ...openWorld('error'), sleep, log: (event: LogEvent) => logged.push(event) }
    const store = await openSqliteStore({ path: join(folder, 'rows.db'), world })
    const addressOf = () => ({ kind: 'disk', folder: join(blocked, 'space') }) as const
    const spaces = openSpacePreparation({ store, installation: 'i', world, addressOf })
    await spaces.prepareAtStart([space], [])
    await spaces.prepareRest(new AbortController().signal)
    expect(await readFile(join(blocked, 'space', 'store.json'), 'utf8')).toContain(space)
    expect(logged.map(({ event, space }) => [event, space])).toEqual(
      Array.from({ length: 3 }, () => ['space-away', space]),
    )
    await store.close()
  })
})
