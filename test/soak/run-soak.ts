import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { gallery, group, openActor, patiently } from './actor.ts'
import { openChance } from './chance.ts'
import { expectWhole } from './expect-whole.ts'
import { befallUntil } from './faults.ts'
import { openSite, type Site } from './site.ts'

const actorsCount = 4

/** An installation under load and faults for so long, all by the seed; then everything must be whole. */
export async function runSoak({ seconds, seed }: { seconds: number; seed: number }): Promise<void> {
  const startedMs = performance.now()
  const say = (text: string): void => {
    const elapsedS = Math.round((performance.now() - startedMs) / 1_000)
    process.stdout.write(`soak, ${elapsedS} s: ${text}\n`)
  }
  say(`seed ${seed}, ${seconds} s`)
  const site = await openSite()
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', site.s3.credentialsFile)
  try {
    say('six processes run')
    const chance = openChance(seed)
    const clients = await site.clients()
    await patiently(() =>
      clients.resources.resourceGroups.createOrUpdate(group, { location: 'westeurope' }),
    )
    const { galleries } = clients.compute
    await patiently(() => galleries.createOrUpdate(group, gallery, { location: 'westeurope' }))
    const actors = Array.from({ length: actorsCount }, (_, at) =>
      openActor(`a${at}`, clients, openChance(chance.seed())),
    )
    const stopping = new AbortController()
    const acting = Promise.all(actors.map((actor) => actor.actUntil(stopping.signal)))
    const timeOver = new AbortController()
    // Whoever awaits it below hears of it.
    acting.catch(() => timeOver.abort())
    const clock = setTimeout(() => timeOver.abort(), seconds * 1_000)
    const befalling = befallUntil(site, openChance(chance.seed()), timeOver.signal)
    const counts = await befalling.finally(() => {
      clearTimeout(clock)
      stopping.abort()
    })
    for (const child of site.children) child.restart(0)
    say(`faults: ${told(counts)}`)
    await acting
    for (const child of site.children) await child.ready()
    say(`done: ${told(totals(actors.map(({ done }) => done)))}`)
    await expectWhole(site, actors)
    const ends = Map.groupBy(
      site.children.flatMap((child) => child.ends()),
      (end) => end,
    )
    say(`whole; processes: ${told(new Map([...ends].map(([end, all]) => [end, all.length])))}`)
    expect(ends.get('crashed')).toBeUndefined()
  } catch (error) {
    throw new Error(`seed ${seed}\n${await lastWords(site)}`, { cause: error })
  } finally {
    vi.unstubAllEnvs()
    await site.close()
  }
}

function totals(each: readonly Readonly<Record<string, number>>[]): ReadonlyMap<string, number> {
  const all = new Map<string, number>()
  for (const done of each)
    for (const [deed, count] of Object.entries(done)) all.set(deed, (all.get(deed) ?? 0) + count)
  return all
}

function told(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
}

/** What the processes logged as errors. */
async function lastWords({ folder, children }: Site): Promise<string> {
  const logs = children.map(async ({ name }) => {
    const text = await readFile(join(folder, `${name}.log`), 'utf8').catch(() => '')
    const errors = text.split('\n').filter((line) => !line.includes('"level":"info"'))
    return `== ${name}\n${errors.slice(-15).join('\n')}`
  })
  return (await Promise.all(logs)).join('\n')
}
